//! Every sentence a reader can meet, in every language there is.
//!
//! A language is one constant of type [`Texts`], so a missing sentence does not compile; the tests
//! see to it that each has the same `{blanks}` to fill. Numbers, money and times are not here: they
//! come from the browser's own formats ([`crate::format`]).

mod accounts;
mod console;
mod de;
mod en;
mod es;
mod rooms;
mod seats;
mod texts;

use leptos::prelude::*;

use crate::browser::{self, Store};
pub(crate) use accounts::AccountTexts;
pub(crate) use console::ConsoleTexts;

/// Which of the console's messages.
pub(crate) type ConsoleKey = fn(&'static ConsoleTexts) -> &'static str;
pub(crate) use rooms::RoomTexts;
pub(crate) use seats::SeatTexts;
pub(crate) use texts::Texts;

const KEPT_AS: &str = "onsale.language";

/// A language of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lang {
    En,
    De,
    Es,
}

impl Lang {
    pub(crate) const ALL: [Self; 3] = [Self::En, Self::De, Self::Es];

    /// Tag by BCP 47, as `lang` and Intl take it.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Es => "es",
        }
    }
    /// What it calls itself.
    pub(crate) const fn own_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::De => "Deutsch",
            Self::Es => "Español",
        }
    }
    /// Its sentences.
    pub(crate) const fn texts(self) -> &'static Texts {
        match self {
            Self::En => &en::TEXTS,
            Self::De => &de::TEXTS,
            Self::Es => &es::TEXTS,
        }
    }
    /// Its sentences about choosing seats.
    pub(crate) const fn seat_texts(self) -> &'static SeatTexts {
        seats::of(self)
    }
    /// Its sentences about waiting.
    pub(crate) const fn room_texts(self) -> &'static RoomTexts {
        rooms::of(self)
    }
    /// Its sentences for operators of waiting rooms.
    pub(crate) const fn console_texts(self) -> &'static ConsoleTexts {
        console::of(self)
    }
    /// Whose sentences these are.
    pub(crate) fn of_texts(texts: &'static Texts) -> Self {
        Self::ALL
            .into_iter()
            .find(|lang| std::ptr::eq(lang.texts(), texts))
            .unwrap_or(Self::En)
    }
    /// Its sentences about accounts.
    pub(crate) const fn account_texts(self) -> &'static AccountTexts {
        accounts::of(self)
    }
    fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next()?;
        Self::ALL
            .into_iter()
            .find(|lang| lang.tag().eq_ignore_ascii_case(primary))
    }
    /// The first that the reader prefers and we have; English otherwise.
    fn best_of<'a>(tags: impl IntoIterator<Item = &'a str>) -> Self {
        tags.into_iter()
            .find_map(Self::from_tag)
            .unwrap_or(Self::En)
    }
}

/// The reader's language, as a signal. `Copy`, from [`use_i18n`].
#[derive(Clone, Copy)]
pub(crate) struct I18n(RwSignal<Lang>);

impl I18n {
    /// What the reader chose before, else what their browser prefers. Puts itself into the context.
    pub(crate) fn provide() -> Self {
        let kept = browser::recall(Store::Lasting, KEPT_AS);
        let preferred = browser::languages();
        let tags = kept.iter().chain(&preferred).map(String::as_str);
        let i18n = Self(RwSignal::new(Lang::best_of(tags)));
        provide_context(i18n);
        Effect::new(move || {
            if let Some(root) = browser::document().document_element() {
                let _ = root.set_attribute("lang", i18n.lang().tag());
            }
        });
        i18n
    }
    /// The language; a reactive reader follows it.
    pub(crate) fn lang(self) -> Lang {
        self.0.get()
    }
    /// The language at this moment, for what happens outside a view.
    pub(crate) fn lang_now(self) -> Lang {
        self.0.try_get_untracked().unwrap_or(Lang::En)
    }
    /// The sentences; a reactive reader follows the language.
    pub(crate) fn t(self) -> &'static Texts {
        self.lang().texts()
    }
    /// One sentence as a closure for a view: `{i18n.say(|t| t.home_title)}`.
    pub(crate) fn say(
        self,
        key: fn(&'static Texts) -> &'static str,
    ) -> impl Fn() -> &'static str + Copy + Send {
        move || key(self.t())
    }
    /// The sentences about accounts; a reactive reader follows the language.
    pub(crate) fn accounts_t(self) -> &'static AccountTexts {
        self.lang().account_texts()
    }
    /// The sentences about choosing seats; a reactive reader follows the language.
    pub(crate) fn seat_t(self) -> &'static SeatTexts {
        self.lang().seat_texts()
    }
    /// One of them as a closure for a view.
    pub(crate) fn seats(
        self,
        key: fn(&'static SeatTexts) -> &'static str,
    ) -> impl Fn() -> &'static str + Copy + Send {
        move || key(self.seat_t())
    }
    /// The sentences about waiting; a reactive reader follows the language.
    pub(crate) fn room_t(self) -> &'static RoomTexts {
        self.lang().room_texts()
    }
    /// One of them as a closure for a view.
    pub(crate) fn rooms(
        self,
        key: fn(&'static RoomTexts) -> &'static str,
    ) -> impl Fn() -> &'static str + Copy + Send {
        move || key(self.room_t())
    }
    /// The sentences for operators; a reactive reader follows the language.
    pub(crate) fn console_t(self) -> &'static ConsoleTexts {
        self.lang().console_texts()
    }
    /// One of them as a closure for a view.
    pub(crate) fn console(self, key: ConsoleKey) -> impl Fn() -> &'static str + Copy + Send {
        move || key(self.console_t())
    }
    /// Changes it and keeps the choice.
    pub(crate) fn choose(self, tag: &str) {
        if let Some(lang) = Lang::from_tag(tag) {
            browser::remember(Store::Lasting, KEPT_AS, lang.tag());
            self.0.set(lang);
        }
    }
}

/// The reader's language.
pub(crate) fn use_i18n() -> I18n {
    expect_context()
}

/// Fills `{name}` in a sentence. A blank without a value stays as it is, so that it is seen.
pub(crate) fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    fill_with(sentence, |blank| {
        let known = values.iter().find(|(name, _)| *name == blank);
        known.map(|(_, value)| (*value).to_owned())
    })
}

/// Fills counts too: `{n}` is the number as `number` writes it, `{n:person waits|people wait}` the
/// words that go with it. All our languages have these two forms.
pub(crate) fn fill_counts(
    sentence: &str,
    counts: &[(&str, u64)],
    number: &dyn Fn(u64) -> String,
    values: &[(&str, &str)],
) -> String {
    let count = |name: &str| {
        let known = counts.iter().find(|(known, _)| *known == name);
        known.map(|(_, n)| *n)
    };
    fill_with(sentence, |blank| {
        if let Some((name, forms)) = blank.split_once(':') {
            let (one, other) = forms.split_once('|')?;
            return Some(if count(name)? == 1 { one } else { other }.to_owned());
        }
        count(blank).map(number).or_else(|| {
            let known = values.iter().find(|(name, _)| *name == blank);
            known.map(|(_, value)| (*value).to_owned())
        })
    })
}

fn fill_with(sentence: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(sentence.len() + 16);
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((blank, tail)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        match value(blank) {
            Some(value) => filled.push_str(&value),
            None => {
                filled.push('{');
                filled.push_str(blank);
                filled.push('}');
            }
        }
        rest = tail;
    }
    filled.push_str(rest);
    filled
}

/// One of two sentences by number, with `{n}` filled. All our languages have these two forms.
pub(crate) fn count(n: u32, one: &str, other: &str) -> String {
    fill(if n == 1 { one } else { other }, &[("n", &n.to_string())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blanks(sentence: &str) -> Vec<&str> {
        let mut names: Vec<_> = sentence
            .split('{')
            .skip(1)
            .filter_map(|part| part.split(['}', ':']).next())
            .collect();
        names.sort_unstable();
        // Words that go with a number may be one in one language and three in another.
        names.dedup();
        names
    }

    #[test]
    fn every_language_says_everything_with_the_same_blanks() {
        for lang in Lang::ALL {
            let english = en::TEXTS.all().into_iter();
            let english = english.chain(Lang::En.account_texts().all());
            let here = lang.texts().all().into_iter();
            let here = here.chain(lang.account_texts().all());
            for ((key, english), (_, here)) in english.zip(here) {
                assert!(
                    !here.trim().is_empty(),
                    "{} says nothing for {key}",
                    lang.tag()
                );
                assert_eq!(
                    blanks(english),
                    blanks(here),
                    "{} fills {key} otherwise",
                    lang.tag()
                );
            }
        }
    }

    #[test]
    fn every_language_says_of_rooms_what_english_does() {
        for lang in Lang::ALL {
            let english = Lang::En.room_texts().all().into_iter();
            let english = english.chain(Lang::En.console_texts().all());
            let here = lang.room_texts().all().into_iter();
            let here = here.chain(lang.console_texts().all());
            for ((key, english), (_, here)) in english.zip(here) {
                assert!(!here.trim().is_empty(), "{} has no {key}", lang.tag());
                assert_eq!(blanks(english), blanks(here), "{} in {}", key, lang.tag());
            }
        }
    }

    #[test]
    fn nobody_shouts() {
        for lang in Lang::ALL {
            for (key, sentence) in lang
                .texts()
                .all()
                .into_iter()
                .chain(lang.seat_texts().all())
                .chain(lang.room_texts().all())
                .chain(lang.console_texts().all())
                .chain(lang.account_texts().all())
            {
                assert!(
                    !sentence.contains(['!', '¡']),
                    "{} shouts in {key}",
                    lang.tag()
                );
            }
        }
    }

    #[test]
    fn blanks_are_filled_by_name_and_unknown_ones_are_left_to_be_seen() {
        assert_eq!(
            fill("Row {row} seat {seat}", &[("seat", "12"), ("row", "C")]),
            "Row C seat 12"
        );
        assert_eq!(fill("{a} {b", &[]), "{a} {b");
        assert_eq!(count(1, "{n} seat", "{n} seats"), "1 seat");
        assert_eq!(count(0, "{n} seat", "{n} seats"), "0 seats");
    }

    #[test]
    fn words_go_with_their_number() {
        let sentence = "{n} {n:person waits|people wait}, {m} {m:is|are} in the shop until {when}.";
        let said = |n, m| {
            let counts = [("n", n), ("m", m)];
            fill_counts(sentence, &counts, &|n| n.to_string(), &[("when", "nine")])
        };
        assert_eq!(said(1, 0), "1 person waits, 0 are in the shop until nine.");
        assert_eq!(said(2, 1), "2 people wait, 1 is in the shop until nine.");
        assert_eq!(
            fill_counts("{x:a|b}", &[], &|n| n.to_string(), &[]),
            "{x:a|b}"
        );
    }

    #[test]
    fn every_number_of_people_has_words_for_one_and_for_many() {
        for lang in Lang::ALL {
            let (rooms, console) = (lang.room_texts().all(), lang.console_texts().all());
            for (key, sentence) in rooms.into_iter().chain(console) {
                for blank in sentence
                    .split('{')
                    .skip(1)
                    .filter_map(|part| part.split('}').next())
                {
                    if let Some((_, forms)) = blank.split_once(':') {
                        let forms: Vec<_> = forms.split('|').collect();
                        assert!(
                            forms.len() == 2 && forms.iter().all(|form| !form.is_empty()),
                            "{key} in {}: {blank}",
                            lang.tag()
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_reader_gets_the_first_language_that_there_is() {
        assert_eq!(Lang::best_of(["fr-FR", "de-AT", "en"]), Lang::De);
        assert_eq!(Lang::best_of(["ja"]), Lang::En);
    }
}

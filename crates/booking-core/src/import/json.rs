//! A pull parser for JSON (RFC 8259) that allocates nothing but unescaped texts.
//!
//! Why one of our own: a plan comes from strangers. Reading it piece by piece bounds memory by what
//! is kept, whatever is in the file; numbers stay decimal text, so that the core needs no floats;
//! and every fault knows its place. Depth is limited, so that no file can exhaust the stack.

use alloc::{borrow::Cow, string::String};

/// What a value is, by its first character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    Text,
    Number,
    Bool,
    Null,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "a list",
            Self::Text => "text",
            Self::Number => "a number",
            Self::Bool => "true or false",
            Self::Null => "null",
        }
    }
}

/// Why the text is not JSON (or too deep), and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// Offset in bytes.
    pub(super) at: usize,
    pub(super) what: &'static str,
}

const TRUNCATED: &str = "the file ends in the middle of the plan; it seems to be cut off";

/// Reads one JSON text from front to back.
pub(super) struct Json<'a> {
    text: &'a str,
    at: usize,
    depth_left: u32,
}

type Parsed<T> = Result<T, SyntaxError>;

impl<'a> Json<'a> {
    pub(super) fn new(text: &'a str, depth_max: u32) -> Self {
        Self {
            text,
            at: 0,
            depth_left: depth_max,
        }
    }

    /// What the next value is.
    pub(super) fn peek(&mut self) -> Parsed<Kind> {
        self.skip_space();
        match self.byte() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::Text),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            Some(_) => Err(self.error("a value should stand here")),
            None => Err(self.error(TRUNCATED)),
        }
    }

    /// Goes into an object or a list whose kind has been peeked.
    pub(super) fn enter(&mut self) -> Parsed<()> {
        let left = self.depth_left.checked_sub(1);
        self.depth_left = left.ok_or_else(|| self.error("objects and lists nest too deep"))?;
        self.at += 1;
        Ok(())
    }

    /// The next key of the object gone into, or `None` at its end. `first` starts out true.
    pub(super) fn key(&mut self, first: &mut bool) -> Parsed<Option<Cow<'a, str>>> {
        if !self.more(
            first,
            b'}',
            "a comma or the end of the object should stand here",
        )? {
            return Ok(None);
        }
        self.skip_space();
        match self.byte() {
            Some(b'"') => {}
            Some(_) => return Err(self.error("a name in quotation marks should stand here")),
            None => return Err(self.error(TRUNCATED)),
        }
        let key = self.text()?;
        self.skip_space();
        match self.byte() {
            Some(b':') => self.at += 1,
            Some(_) => return Err(self.error("a colon should stand here")),
            None => return Err(self.error(TRUNCATED)),
        }
        Ok(Some(key))
    }

    /// Whether the list gone into has another element. `first` starts out true.
    pub(super) fn element(&mut self, first: &mut bool) -> Parsed<bool> {
        self.more(
            first,
            b']',
            "a comma or the end of the list should stand here",
        )
    }

    fn more(&mut self, first: &mut bool, end: u8, what: &'static str) -> Parsed<bool> {
        self.skip_space();
        let was_first = core::mem::replace(first, false);
        match self.byte() {
            Some(byte) if byte == end => {
                self.at += 1;
                self.depth_left += 1;
                Ok(false)
            }
            Some(b',') if !was_first => {
                self.at += 1;
                self.skip_space();
                match self.byte() {
                    Some(byte) if byte == end => Err(self.error("nothing follows this comma")),
                    _ => Ok(true),
                }
            }
            Some(_) if was_first => Ok(true),
            Some(_) => Err(self.error(what)),
            None => Err(self.error(TRUNCATED)),
        }
    }

    /// A text; borrowed from the input unless it holds escapes.
    pub(super) fn text(&mut self) -> Parsed<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        let mut unescaped: Option<String> = None;
        let mut plain_from = start;
        loop {
            match self.byte() {
                Some(b'"') => {
                    let plain = &self.text[plain_from..self.at];
                    self.at += 1;
                    return Ok(match unescaped {
                        None => Cow::Borrowed(plain),
                        Some(mut text) => {
                            text.push_str(plain);
                            Cow::Owned(text)
                        }
                    });
                }
                Some(b'\\') => {
                    let text = unescaped.get_or_insert_default();
                    text.push_str(&self.text[plain_from..self.at]);
                    let character = self.escape()?;
                    unescaped.get_or_insert_default().push(character);
                    plain_from = self.at;
                }
                Some(0..0x20) => {
                    return Err(self.error("a control character stands inside a text"));
                }
                Some(_) => self.at += 1,
                None => return Err(self.error(TRUNCATED)),
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let escape = self.error("this is not an escape");
        self.at += 1;
        let byte = self.byte().ok_or_else(|| self.error(TRUNCATED))?;
        self.at += 1;
        Ok(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex4()?;
                let code = match first {
                    0xd800..0xdc00 if self.text[self.at..].starts_with("\\u") => {
                        self.at += 2;
                        let second = self.hex4()?;
                        if !(0xdc00..0xe000).contains(&second) {
                            return Err(escape);
                        }
                        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    code => code,
                };
                char::from_u32(code).ok_or(escape)?
            }
            _ => return Err(escape),
        })
    }

    fn hex4(&mut self) -> Parsed<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let byte = self.byte().ok_or_else(|| self.error(TRUNCATED))?;
            let digit = char::from(byte).to_digit(16);
            code =
                code << 4 | digit.ok_or_else(|| self.error("four hex digits should stand here"))?;
            self.at += 1;
        }
        Ok(code)
    }

    /// A number, as it is written.
    pub(super) fn number(&mut self) -> Parsed<&'a str> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        match self.byte() {
            Some(b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'+' | b'-' | b'_') => {
                Err(self.error("this is not how a number is written"))
            }
            _ => Ok(&self.text[start..self.at]),
        }
    }

    fn digits(&mut self) -> Parsed<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        match self.byte() {
            _ if self.at > start => Ok(()),
            Some(_) => Err(self.error("a digit should stand here")),
            None => Err(self.error(TRUNCATED)),
        }
    }

    /// `true` or `false`.
    pub(super) fn bool(&mut self) -> Parsed<bool> {
        let value = self.byte() == Some(b't');
        self.word(if value { "true" } else { "false" })?;
        Ok(value)
    }

    /// `null`.
    pub(super) fn null(&mut self) -> Parsed<()> {
        self.word("null")
    }

    fn word(&mut self, word: &'static str) -> Parsed<()> {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else if word.as_bytes().starts_with(rest) {
            Err(SyntaxError {
                at: self.text.len(),
                what: TRUNCATED,
            })
        } else {
            Err(self.error("only true, false and null stand without quotation marks"))
        }
    }

    /// Reads past the next value, whatever it is. Recursion is bounded by the depth limit.
    pub(super) fn skip(&mut self) -> Parsed<()> {
        let mut first = true;
        match self.peek()? {
            Kind::Object => {
                self.enter()?;
                while self.key(&mut first)?.is_some() {
                    self.skip()?;
                }
                Ok(())
            }
            Kind::Array => {
                self.enter()?;
                while self.element(&mut first)? {
                    self.skip()?;
                }
                Ok(())
            }
            Kind::Text => self.text().map(drop),
            Kind::Number => self.number().map(drop),
            Kind::Bool => self.bool().map(drop),
            Kind::Null => self.null(),
        }
    }

    /// Nothing but white space may be left.
    pub(super) fn end(&mut self) -> Parsed<()> {
        self.skip_space();
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(self.error("something follows the end of the plan"))
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
    }
    fn error(&self, what: &'static str) -> SyntaxError {
        SyntaxError { at: self.at, what }
    }
}

//! Why it is fair, and the proof: the draw is worked out again in this browser, with the same code that
//! the server drew with, from the key that was revealed.

use leptos::prelude::*;
use onsale_queue::draw::{Commitment, DrawFault, DrawKey};
use onsale_queue::verify_draw;
use onsale_queue::wire::PublicRoom;

use super::kept::Kept;
use super::say;
use super::visitor::Visitor;
use crate::components::{Icon, Sign};
use crate::i18n::I18n;

/// What there is to check of one visitor's place.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Proof {
    /// The key is still secret.
    NotYet,
    /// Joined after the draw.
    NotDrawn,
    /// Worked out again.
    Worked(Worked),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Worked {
    commitment: Commitment,
    /// Whether it is the one that this browser saw before the draw; `None`: it was not here then.
    seen: Option<bool>,
    key: DrawKey,
    gathered: u64,
    /// From 0, as are all numbers of the queue.
    arrival: u64,
    drawn: u64,
    verdict: Result<(), DrawFault>,
}

impl Worked {
    fn is_good(&self) -> bool {
        self.verdict.is_ok() && self.seen != Some(false)
    }
}

/// Checks the place that the page shows against the draw; `None` where the room has no draw.
fn prove(room: &PublicRoom, kept: &Kept) -> Option<Proof> {
    let draw = room.draw.as_ref()?;
    let Some(key) = draw.key else {
        return Some(Proof::NotYet);
    };
    let Some(arrival) = draw.arrival_of(kept.place) else {
        return Some(Proof::NotDrawn);
    };
    let shown = room.effective(kept.place);
    Some(Proof::Worked(Worked {
        commitment: draw.commitment,
        seen: kept.seen.map(|seen| seen == draw.commitment),
        key,
        gathered: draw.gathered,
        arrival: arrival.0,
        drawn: shown.number.0,
        verdict: verify_draw(draw.commitment, key, draw.gathered, arrival, shown.number),
    }))
}

#[component]
pub(super) fn Fairness(visitor: Visitor) -> impl IntoView {
    let i18n = visitor.i18n;
    let has_draw = Memo::new(move |_| {
        visitor.room.with(|room| {
            room.as_ref().is_some_and(|room| {
                let public = &room.public;
                public
                    .draw
                    .as_ref()
                    .is_some_and(|draw| draw.gathered > 0 || public.gathers_ms.is_some())
            })
        })
    });
    let has_place = move || visitor.place.with(Option::is_some);
    let proof = RwSignal::new(None::<Proof>);
    let check = move |_| {
        let found = visitor.room.with_untracked(|room| {
            visitor
                .place
                .with_untracked(|kept| prove(&room.as_ref()?.public, kept.as_ref()?))
        });
        proof.set(found);
    };
    view! {
        <details class="room__more card">
            <summary>{i18n.rooms(|t| t.fair_title)}</summary>
            <div class="room__form">
                <p>{move || if has_draw.get() { i18n.room_t().fair_draw } else { i18n.room_t().fair_line }}</p>
                <p class="muted">{i18n.rooms(|t| t.fair_not)}</p>
                <Show when=move || has_draw.get() && has_place()>
                    <button type="button" class="button" on:click=check>
                        <Icon sign=Sign::Shield/>{i18n.rooms(|t| t.check_place)}
                    </button>
                </Show>
                <div role="status">{move || proof.get().map(|proof| show(i18n, proof))}</div>
            </div>
        </details>
    }
}

fn show(i18n: I18n, proof: Proof) -> AnyView {
    let worked = match proof {
        Proof::NotYet => return view! { <p>{i18n.rooms(|t| t.check_soon)}</p> }.into_any(),
        Proof::NotDrawn => return view! { <p>{i18n.rooms(|t| t.check_not_in)}</p> }.into_any(),
        Proof::Worked(worked) => worked,
    };
    let good = worked.is_good();
    let number = move |n: u64| say::number(i18n.lang(), n);
    view! {
        <p class=if good { "room__verdict room__verdict--good" } else { "room__verdict room__verdict--bad" }>
            <Icon sign=if good { Sign::Check } else { Sign::Alert }/>
            <strong>{move || if good { i18n.room_t().check_good } else { i18n.room_t().check_bad }}</strong>
        </p>
        {worked.verdict.err().map(|fault| view! { <p class="small">{fault.to_string()}</p> })}
        <dl class="room__proof">
            <div><dt>{i18n.rooms(|t| t.check_commitment)}</dt><dd class="room__hex">{worked.commitment.to_hex()}</dd>
                {(worked.seen == Some(true)).then(|| view! { <dd class="small">{i18n.rooms(|t| t.check_seen)}</dd> })}</div>
            <div><dt>{i18n.rooms(|t| t.check_key)}</dt><dd class="room__hex">{worked.key.to_hex()}</dd></div>
            <div><dt>{i18n.rooms(|t| t.check_gathered)}</dt><dd class="tabular">{move || number(worked.gathered)}</dd></div>
            <div><dt>{i18n.rooms(|t| t.check_arrival)}</dt><dd class="tabular">{move || number(worked.arrival + 1)}</dd></div>
            <div><dt>{i18n.rooms(|t| t.check_drawn)}</dt><dd class="tabular">{move || number(worked.drawn + 1)}</dd></div>
        </dl>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use onsale_queue::wire::{PublicDraw, Wishes};
    use onsale_queue::{Epoch, Place, QueueNumber, RoomId, RoomState};

    const KEY: DrawKey = DrawKey([7; 32]);

    fn room(key: Option<DrawKey>, commitment: Commitment) -> PublicRoom {
        PublicRoom {
            room: RoomId([1; 16]),
            name: String::new(),
            on: true,
            state: RoomState::Open,
            version: 1,
            now_ms: 0,
            floor: Epoch(1),
            epochs: Vec::new(),
            waiting: 0,
            rate_per_minute: 1,
            recent: Vec::new(),
            interval_ms: 10_000,
            held_by: None,
            draw: Some(PublicDraw {
                commitment,
                parts: vec![(Epoch(1), 40)],
                gathered: 40,
                epoch: Epoch(2),
                key,
            }),
            gathers_ms: None,
            opens_ms: None,
            places_left: None,
            claim_ms: 1,
            shop_ms: 1,
            pow_bits: 0,
            accounts_required: false,
            message: String::new(),
            outage: None,
        }
    }

    fn kept(epoch: u32, number: u64, seen: Option<Commitment>) -> Kept {
        Kept {
            pass: String::new(),
            place: Place {
                epoch: Epoch(epoch),
                number: QueueNumber(number),
            },
            joined_ms: 0,
            wishes: Wishes::default(),
            began_at: None,
            seen,
        }
    }

    fn worked(room: &PublicRoom, kept: &Kept) -> Worked {
        match prove(room, kept) {
            Some(Proof::Worked(worked)) => worked,
            other => panic!("not worked out: {other:?}"),
        }
    }

    #[test]
    fn a_true_draw_checks() {
        let proof = worked(
            &room(Some(KEY), KEY.commit()),
            &kept(1, 3, Some(KEY.commit())),
        );
        assert!(proof.is_good());
        assert_eq!(proof.arrival, 3);
    }

    #[test]
    fn a_key_other_than_the_one_committed_to_is_found_out() {
        let other = DrawKey([8; 32]);
        let proof = worked(&room(Some(other), KEY.commit()), &kept(1, 3, None));
        assert_eq!(proof.verdict, Err(DrawFault::OtherKey));
    }

    #[test]
    fn a_commitment_exchanged_after_it_was_seen_is_found_out() {
        let other = DrawKey([8; 32]);
        let proof = worked(
            &room(Some(other), other.commit()),
            &kept(1, 3, Some(KEY.commit())),
        );
        assert_eq!(proof.verdict, Ok(()));
        assert!(!proof.is_good());
    }

    #[test]
    fn before_the_draw_and_behind_it_there_is_nothing_to_check() {
        assert_eq!(
            prove(&room(None, KEY.commit()), &kept(1, 3, None)),
            Some(Proof::NotYet)
        );
        assert_eq!(
            prove(&room(Some(KEY), KEY.commit()), &kept(2, 90, None)),
            Some(Proof::NotDrawn)
        );
    }
}

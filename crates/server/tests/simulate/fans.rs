//! Who uses the shop, and what each of them was told: the only thing that the auditor believes beside
//! what is on the disk.

use crate::office::{Office, PERFORMANCES, ROWS, SEATS};
use crate::visit::Stand;
use crate::world::World;
use booking_core::command::SeatRequest;
use booking_core::price::{OrderItem, Place};
use booking_core::{
    AllocationId, Command, CommandId, Event, FanId, HoldId, OrderId, PerformanceId, PriceTypeIx,
    SeatIx, quote,
};
use onsale_queue::room::Admitted;
use onsale_server::checkout::step::Step;
use onsale_server::checkout::{Buyer, Checkout, CheckoutError, Wanted};
use onsale_server::lane::LaneError;
use onsale_server::payments::Card;
use onsale_server::payments::card::{CardInput, Secret};
use onsale_server::quoting::{Promise, VALID_MS};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Times somebody asks again before they give up.
const TRIES: u32 = 8;
/// Cards, the good ones more often: what each does is the simulator's to say.
const CARDS: [&str; 10] = [
    "4242424242424242",
    "4242424242424242",
    "4242424242424242",
    "4000000000000002",
    "4000000000009995",
    "4000002500003155",
    "4000002500003155",
    "4000000000000077",
    "4000000000000341",
    "4000000000000358",
];

/// What fans were told.
#[derive(Default)]
pub(crate) struct Told {
    /// Facts by command: they are in the ledger, and the same for whoever asked twice.
    pub(crate) accepted: BTreeMap<CommandId, (PerformanceId, Vec<Event>)>,
    pub(crate) refused: BTreeSet<CommandId>,
    /// Orders that were said to be paid and theirs.
    pub(crate) bought: BTreeSet<OrderId>,
    /// Orders that the box office was told to undo, whatever came of it.
    pub(crate) undoing: BTreeSet<OrderId>,
    /// What two answers to one question had in common, and what not.
    pub(crate) contradictions: Vec<String>,
}

#[derive(Default)]
pub(crate) struct Notes(Mutex<Told>);

impl Notes {
    pub(crate) fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Fan {
    pub(crate) id: FanId,
    pub(crate) office: Arc<Office>,
    pub(crate) notes: Arc<Notes>,
    /// The admission that they are in the shop with.
    admitted: Mutex<Option<Admitted>>,
    /// A place in the line that they went away with.
    kept: Mutex<Option<Stand>>,
}

/// What a fan has.
struct Held {
    performance: PerformanceId,
    hold: HoldId,
    seats: Vec<u32>,
}

impl Fan {
    pub(crate) fn new(id: FanId, office: &Arc<Office>, notes: &Arc<Notes>) -> Self {
        Self {
            id,
            office: Arc::clone(office),
            notes: Arc::clone(notes),
            admitted: Mutex::default(),
            kept: Mutex::default(),
        }
    }

    pub(crate) fn world(&self) -> &World {
        &self.office.world
    }

    pub(crate) fn admitted(&self) -> MutexGuard<'_, Option<Admitted>> {
        self.admitted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn kept(&self) -> MutexGuard<'_, Option<Stand>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn roll(&self, most: u32) -> u32 {
        self.world().dice().u32(0..most)
    }

    pub(crate) async fn think(&self, most_ms: u64) {
        let ms = self.world().dice().u64(1..most_ms);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// Comes again and again until the shop closes.
    pub(crate) async fn live(self) {
        while !self.world().is_closing() {
            self.think(3_000).await;
            if self.world().odds.has_room {
                self.visit().await;
            } else {
                self.shop().await;
            }
        }
    }

    pub(crate) async fn shop(&self) {
        if let Some(held) = self.hold().await {
            self.go_on_with(held).await;
        }
    }

    /// Two fans in three want seats of the first row.
    fn choose(&self) -> Vec<u32> {
        let row = if self.roll(3) < 2 {
            0
        } else {
            self.roll(ROWS.into())
        };
        let count = 1 + self.roll(4);
        let first = self.roll(u32::from(SEATS) - count + 1);
        let at = row * u32::from(SEATS) + first;
        (at..at + count).collect()
    }

    async fn hold(&self) -> Option<Held> {
        if !self.may_shop().await {
            return None;
        }
        let performance = PERFORMANCES[self.roll(2) as usize];
        let hold = HoldId::from_u128(self.world().id().as_u128());
        // One in four leaves the choice to the shop.
        let request = match self.roll(4) {
            0 => SeatRequest::BestAvailable {
                quantity: [1, 2, 3, 4][self.roll(4) as usize],
                bands: Vec::new(),
                together: self.roll(2) == 0,
            },
            _ => SeatRequest::These(places(&self.choose())),
        };
        let command = Command::PlaceHold {
            hold,
            fan: self.id,
            request,
            needs_accessible: true,
            allocation: None,
        };
        let events = self.send(performance, command).await?;
        Some(Held {
            performance,
            hold,
            seats: held_seats(&events),
        })
    }

    /// The box office takes seats off sale and sets some aside, and puts them back, until the shop closes.
    pub(crate) async fn keep_house(self) {
        let aside = AllocationId::from_u128(7);
        while !self.world().is_closing() {
            self.think(9_000).await;
            let performance = PERFORMANCES[self.roll(2) as usize];
            let seats = self.choose().into_iter().map(SeatIx).collect();
            let command = match self.roll(4) {
                0 => Command::KillSeats { seats },
                1 => Command::ReviveSeats { seats },
                2 => Command::AllocateSeats {
                    allocation: aside,
                    seats,
                },
                _ => Command::ReleaseAllocation {
                    allocation: aside,
                    seats: Vec::new(),
                },
            };
            if self.send(performance, command).await.is_some() {
                self.world().count(|counts| counts.house_changes += 1);
            }
        }
    }

    async fn go_on_with(&self, held: Held) {
        let (fan, hold) = (self.id, held.hold);
        match self.roll(10) {
            0 => {
                self.send(held.performance, Command::ReleaseHold { hold, fan })
                    .await;
            }
            // Walks away: it lapses.
            1 => self.think(25_000).await,
            4 => self.change_and_pay(held).await,
            2 | 3 => {
                self.send(held.performance, Command::ExtendHold { hold, fan })
                    .await;
                self.think(18_000).await;
                self.pay(&held).await;
            }
            _ => {
                self.think(4_000).await;
                self.pay(&held).await;
            }
        }
    }

    /// One seat more, one less, and all of them paid.
    async fn change_and_pay(&self, held: Held) {
        let all = u32::from(ROWS) * u32::from(SEATS);
        let (first, last) = (held.seats[0], held.seats[held.seats.len() - 1]);
        let more = (last + 1) % all;
        let command = Command::ChangeHold {
            hold: held.hold,
            fan: self.id,
            add: places(&[more]),
            remove: places(&[first]),
            needs_accessible: true,
        };
        let is_changed = self.send(held.performance, command).await;
        self.think(4_000).await;
        let mut seats = held.seats.clone();
        if is_changed.is_some() {
            seats.retain(|seat| *seat != first);
            seats.push(more);
            seats.sort_unstable();
        }
        // Where nobody said whether it was changed, the shop refuses to sell what is not held.
        self.pay(&Held { seats, ..held }).await;
    }

    /// Sends a command until there is a definite answer: what was accepted.
    async fn send(&self, performance: PerformanceId, command: Command) -> Option<Vec<Event>> {
        let id = CommandId::from(self.world().id());
        for _ in 0..TRIES {
            let asked = command.clone();
            let answer = self
                .office
                .ask(|server| async move { server.lanes.send(performance, id, asked).await })
                .await;
            match answer {
                Some(Ok(answer)) => {
                    self.note_accepted(performance, id, answer.events.clone());
                    // Some ask again although they know.
                    if self.roll(12) > 0 {
                        return Some(answer.events);
                    }
                }
                Some(Err(LaneError::Rejected(_))) => {
                    self.note_refused(id);
                    return None;
                }
                Some(Err(LaneError::CommandIdReused | LaneError::UnknownPerformance)) => {
                    let what = format!("command {id}: what is ours is said to be another's");
                    self.notes.told().contradictions.push(what);
                    return None;
                }
                Some(Err(
                    LaneError::Busy { .. } | LaneError::StorageFailed | LaneError::Draining,
                ))
                | None => {}
            }
            self.world().count(|counts| counts.asked_again += 1);
            self.think(800).await;
        }
        let told = self.notes.told();
        told.accepted.get(&id).map(|(_, events)| events.clone())
    }

    fn note_accepted(&self, performance: PerformanceId, id: CommandId, events: Vec<Event>) {
        let mut told = self.notes.told();
        if told.refused.contains(&id) {
            let what = format!("command {id} was refused, and accepted afterwards");
            told.contradictions.push(what);
        }
        match told.accepted.get(&id) {
            Some((_, before)) if *before != events => {
                let what = format!("command {id} came to {before:?}, and then to {events:?}");
                told.contradictions.push(what);
            }
            Some(_) => {}
            None => {
                let is_hold = matches!(events.first(), Some(Event::HoldPlaced { .. }));
                told.accepted.insert(id, (performance, events));
                drop(told);
                self.world()
                    .count(|counts| counts.holds += u64::from(is_hold));
            }
        }
    }

    fn note_refused(&self, id: CommandId) {
        let mut told = self.notes.told();
        if told.accepted.contains_key(&id) {
            let what = format!("command {id} was accepted, and refused afterwards");
            told.contradictions.push(what);
        }
        told.refused.insert(id);
        drop(told);
        self.world().count(|counts| counts.refused += 1);
    }

    async fn pay(&self, held: &Held) {
        if !self.may_shop().await {
            return;
        }
        let order = OrderId::from_u128(self.world().id().as_u128());
        for _ in 0..2 {
            let card = CARDS[self.roll(10) as usize];
            let Some(checkout) = self.pay_with(held, order, card).await else {
                return;
            };
            let end = match &checkout.step {
                Step::AwaitingStep { .. } => self.answer_bank(order).await,
                _ => Some(checkout),
            };
            match end.map(|checkout| checkout.step.clone()) {
                Some(Step::Captured { .. }) => {
                    self.world().count(|counts| counts.sold += 1);
                    self.notes.told().bought.insert(order);
                    if self.roll(5) == 0 {
                        self.undo(order).await;
                    }
                    return;
                }
                // Another card.
                Some(Step::Declined { .. }) => {
                    self.world().count(|counts| counts.declined += 1);
                }
                _ => return,
            }
        }
    }

    async fn pay_with(&self, held: &Held, order: OrderId, card: &str) -> Option<Arc<Checkout>> {
        let command = CommandId::from(self.world().id());
        let (map, terms) = &self.office.goods;
        let items = items(&held.seats);
        let now_ms = self.world().clock.now_ms();
        let total_minor = quote(&terms.prices, map, &items, None, now_ms)
            .expect("a price for every seat")
            .total_minor;
        for _ in 0..TRIES {
            let wanted = Wanted {
                command,
                fan: self.id,
                performance: held.performance,
                hold: held.hold,
                order,
                items: items.clone(),
                voucher: None,
                promise: Promise {
                    quoted_ms: now_ms,
                    valid_until_ms: now_ms + VALID_MS,
                    total_minor,
                },
                buyer: Buyer {
                    name: "A Fan".into(),
                    email: "fan@example.org".into(),
                },
                card: Some(card_of(card)),
            };
            let answer = self
                .office
                .ask(|server| async move { server.checkouts.pay(wanted).await })
                .await;
            match answer {
                Some(Ok(checkout))
                    if checkout.step.is_settled()
                        || matches!(checkout.step, Step::AwaitingStep { .. }) =>
                {
                    return Some(checkout);
                }
                Some(Err(
                    CheckoutError::Rejected(_)
                    | CheckoutError::NotFound
                    | CheckoutError::PriceChanged { .. }
                    | CheckoutError::QuoteInvalid { .. }
                    | CheckoutError::Declined { .. },
                )) => return None,
                Some(Ok(_) | Err(_)) | None => {}
            }
            self.world().count(|counts| counts.asked_again += 1);
            self.think(1_500).await;
        }
        None
    }

    /// Says yes, says no, or never comes back from the bank's page.
    async fn answer_bank(&self, order: OrderId) -> Option<Arc<Checkout>> {
        let approve = match self.roll(10) {
            0 => return None,
            1 | 2 => false,
            _ => true,
        };
        let fan = self.id;
        for _ in 0..3 {
            let answer = self
                .office
                .ask(
                    |server| async move { server.checkouts.finish_step(fan, order, approve).await },
                )
                .await;
            if let Some(Ok(checkout)) = answer
                && checkout.step.is_settled()
            {
                return Some(checkout);
            }
            self.think(2_000).await;
        }
        None
    }

    /// The box office takes an order back.
    async fn undo(&self, order: OrderId) {
        self.notes.told().undoing.insert(order);
        let refund = self.roll(2) == 0;
        for _ in 0..3 {
            let answer = self
                .office
                .ask(|server| async move {
                    match refund {
                        true => server.checkouts.refund(order).await,
                        false => server.checkouts.cancel(order).await,
                    }
                })
                .await;
            if let Some(Ok(checkout)) = answer
                && checkout.step.is_settled()
            {
                self.world().count(|counts| counts.undone += 1);
                return;
            }
            self.think(2_000).await;
        }
    }
}

fn card_of(number: &str) -> Card {
    let input = CardInput {
        card_number: Secret::new(number),
        expiry: Secret::new("12/30"),
        cvc: Secret::new("123"),
    };
    Card::check(&input, crate::world::NOW_MS).expect("a card that could be one")
}

/// Which seats a new hold got.
fn held_seats(events: &[Event]) -> Vec<u32> {
    let got = events.iter().find_map(|event| match event {
        Event::HoldPlaced { places, .. } => Some(places),
        _ => None,
    });
    let seat = |place: &Place| match place {
        Place::Seat(seat) => Some(seat.0),
        Place::Area(_) => None,
    };
    got.into_iter().flatten().filter_map(seat).collect()
}

fn places(seats: &[u32]) -> Vec<Place> {
    seats
        .iter()
        .map(|seat| Place::Seat(SeatIx(*seat)))
        .collect()
}

fn items(seats: &[u32]) -> Vec<OrderItem> {
    places(seats)
        .into_iter()
        .map(|place| OrderItem {
            place,
            price_type: PriceTypeIx(0),
        })
        .collect()
}

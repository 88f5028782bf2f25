//! The demo's other fans: they come, look for good seats or for seats near one another, hold them,
//! and then buy, give them back or just leave. A newcomer sees a sale that lives.
//!
//! They go through the same doors as everybody: lanes for holds, the checkout for money, the
//! simulator for cards. Bounded in every way: how fast they come, how many there are at a time,
//! and how much of the house they buy, so that there are always seats left to try it with.
//!
//! Which performances they come to is the catalogue's switch, looked at every second: turning it
//! off sends everybody home, and who holds seats gives them back first. A server that stops is
//! another thing: they stop where they are, as real ones do.

use crate::catalogue::{Catalogue, Performance};
use crate::checkout::{Buyer, Checkouts, Wanted};
use crate::clock::{Clock, random_bytes};
use crate::lane::{Answer, Goods, LaneError, Lanes, PerformanceSource as _};
use crate::payments::Card;
use crate::payments::card::{CardInput, Secret};
use crate::quoting::{Promise, VALID_MS};
use booking_core::command::SeatRequest;
use booking_core::inventory::{Counts, Hold};
use booking_core::price::{OrderItem, Place};
use booking_core::{
    BandIx, Command, CommandId, FanId, HoldId, OrderId, PerformanceId, PriceTypeIx, PublicView,
    SeatIx, SeatMap, SeatStatus, quote,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

/// How often the catalogue is looked at for performances that began or ended, or were switched.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Simulated fans of one performance at a time.
const AT_ONCE: usize = 48;
/// They stop coming while less than this share of the house can be held, in percent.
const LEAVE_PERCENT: u64 = 15;
/// Seats tried as a start before a fan who wants particular ones gives up.
const LOOKS: usize = 24;
/// Most seats of one party.
const PARTY: u64 = 4;

/// What makes the fans of the demo.
#[derive(Clone)]
pub struct Crowds(Arc<Inner>);

struct Inner {
    catalogue: Arc<Catalogue>,
    lanes: Lanes,
    checkouts: Checkouts,
    clock: Clock,
    stop: watch::Sender<bool>,
}

/// The fans of one performance.
#[derive(Clone)]
struct Crowd {
    inner: Arc<Inner>,
    performance: PerformanceId,
    go_home: watch::Receiver<bool>,
}

/// What a fan does with the seats they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Buys,
    BadCard,
    GivesBack,
    Leaves,
}

/// Numbers that look random; the same seed gives the same (splitmix64).
#[derive(Clone, Debug)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// From 0 to `below - 1`.
    fn below(&mut self, below: u64) -> u64 {
        self.roll() % below.max(1)
    }
    fn between_ms(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
    fn id(&mut self) -> Uuid {
        let bytes = (u128::from(self.roll()) << 64 | u128::from(self.roll())).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
    fn mood(&mut self) -> Mood {
        match self.below(100) {
            0..50 => Mood::Buys,
            50..55 => Mood::BadCard,
            55..85 => Mood::GivesBack,
            _ => Mood::Leaves,
        }
    }
    /// Couples most of all.
    fn party(&mut self) -> usize {
        match self.below(10) {
            0..2 => 1,
            2..7 => 2,
            _ => 3 + self.below(PARTY - 2) as usize,
        }
    }
}

impl Crowds {
    /// Sends fans to every performance that is switched on, from now on.
    #[must_use]
    pub fn start(
        catalogue: Arc<Catalogue>,
        lanes: Lanes,
        checkouts: Checkouts,
        clock: Clock,
    ) -> Self {
        let inner = Arc::new(Inner {
            catalogue,
            lanes,
            checkouts,
            clock,
            stop: watch::Sender::new(false),
        });
        tokio::spawn(inner.clone().look_after());
        Self(inner)
    }

    /// Nobody comes any more, and those who are there stop where they are.
    pub fn stop(&self) {
        self.0.stop.send_replace(true);
    }
}

impl Inner {
    async fn look_after(self: Arc<Self>) {
        let mut crowds: HashMap<PerformanceId, watch::Sender<bool>> = HashMap::new();
        while !*self.stop.borrow() {
            match self.catalogue.performances().await {
                Ok(performances) => {
                    for performance in performances.iter() {
                        self.match_switch(&mut crowds, performance);
                    }
                }
                Err(error) => tracing::warn!(%error, "the demo's fans do not know what is on"),
            }
            self.pause(LOOK_EVERY).await;
        }
    }

    fn match_switch(
        self: &Arc<Self>,
        crowds: &mut HashMap<PerformanceId, watch::Sender<bool>>,
        performance: &Performance,
    ) {
        let id = performance.id;
        let rules = &performance.terms.rules;
        let now_ms = self.clock.now_ms();
        let is_on_sale = (rules.on_sale_from_ms..rules.on_sale_until_ms).contains(&now_ms);
        let on = is_on_sale && performance.simulated_fans;
        match (on, crowds.contains_key(&id)) {
            (true, false) => {
                tracing::info!(performance = %id, title = performance.title, "simulated fans come");
                let (switch, go_home) = watch::channel(false);
                let crowd = Crowd {
                    inner: self.clone(),
                    performance: id,
                    go_home,
                };
                tokio::spawn(crowd.come());
                crowds.insert(id, switch);
            }
            (false, true) => {
                if let Some(switch) = crowds.remove(&id) {
                    switch.send_replace(true);
                }
                tracing::info!(performance = %id, "simulated fans stay away");
            }
            (true, true) | (false, false) => {}
        }
    }

    async fn pause(&self, time: Duration) {
        let mut stop = self.stop.subscribe();
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

impl Crowd {
    /// Whether the program ends: everybody stops where they are.
    fn is_over(&self) -> bool {
        *self.inner.stop.borrow()
    }
    /// Whether they are not wanted any more.
    fn is_sent_home(&self) -> bool {
        *self.go_home.borrow()
    }

    async fn pause(&self, time: Duration) {
        let mut go_home = self.go_home.clone();
        tokio::select! {
            () = self.inner.pause(time) => {}
            _ = go_home.wait_for(|home| *home) => {}
        }
    }

    /// Fans come one after another, for as long as there are seats to spare.
    async fn come(self) {
        let mut dice = Dice(u64::from_be_bytes(random_bytes()));
        let room = Arc::new(Semaphore::new(AT_ONCE));
        while !self.is_over() && !self.is_sent_home() {
            let Ok(Some(goods)) = self.inner.catalogue.current(self.performance).await else {
                self.pause(LOOK_EVERY * 10).await;
                continue;
            };
            let mean_ms = gap_ms(goods.0.seat_count());
            self.pause(dice.between_ms(mean_ms / 4, mean_ms * 7 / 4))
                .await;
            let Ok(live) = self.inner.lanes.live(self.performance).await else {
                continue;
            };
            if self.is_over() || self.is_sent_home() || !has_seats_to_spare(live.counts()) {
                continue;
            }
            // Who finds no room does not come.
            if let Ok(place) = room.clone().try_acquire_owned() {
                let fan = Fan {
                    id: FanId::from(dice.id()),
                    goods,
                    dice: Dice(dice.roll()),
                    crowd: self.clone(),
                };
                let view = live.view();
                tokio::spawn(async move {
                    fan.visit(&view).await;
                    drop(place);
                });
            }
        }
    }
}

/// Mean time between two fans: a theatre fills in about half an hour, a stadium is livelier.
fn gap_ms(seats: u32) -> u64 {
    (1_500_000 / u64::from(seats.max(1))).clamp(250, 1_400)
}

fn has_seats_to_spare(counts: Counts) -> bool {
    let total = u64::from(counts.open) + u64::from(counts.held) + u64::from(counts.sold);
    u64::from(counts.open) * 100 > total * LEAVE_PERCENT
}

/// A party of free seats side by side near a seat somebody liked.
fn seats_near(
    map: &SeatMap,
    view: &PublicView,
    dice: &mut Dice,
    party: usize,
) -> Option<Vec<SeatIx>> {
    let seats = u64::from(map.seat_count());
    let is_free = |seat: SeatIx| {
        view.status(seat) == SeatStatus::Free && !map.attributes(seat).is_accessible()
    };
    for _ in 0..LOOKS.min(seats as usize * LOOKS) {
        let start = SeatIx(dice.below(seats) as u32);
        if !is_free(start) {
            continue;
        }
        let along = std::iter::successors(Some(start), |seat| map.next(*seat));
        let found: Vec<_> = along
            .take_while(|seat| is_free(*seat))
            .take(party)
            .collect();
        if found.len() == party {
            return Some(found);
        }
    }
    None
}

/// One simulated fan.
struct Fan {
    id: FanId,
    goods: Goods,
    dice: Dice,
    crowd: Crowd,
}

impl Fan {
    async fn visit(mut self, view: &PublicView) {
        let Some(hold) = self.choose(view).await else {
            return;
        };
        let thinks = self.dice.between_ms(3_000, 30_000);
        self.crowd.pause(thinks).await;
        if self.crowd.is_over() {
            return;
        }
        if self.crowd.is_sent_home() {
            return self.give_back(hold.hold).await;
        }
        match self.dice.mood() {
            Mood::Buys => self.pay(&hold, "4242424242424242").await,
            Mood::BadCard => {
                self.pay(&hold, "4000000000009995").await;
                let thinks = self.dice.between_ms(1_000, 4_000);
                self.crowd.pause(thinks).await;
                self.give_back(hold.hold).await;
            }
            Mood::GivesBack => self.give_back(hold.hold).await,
            Mood::Leaves => {}
        }
    }

    /// Holds seats; nothing where somebody was faster or the rules say no.
    async fn choose(&mut self, view: &PublicView) -> Option<Hold> {
        let party = self.dice.party();
        // Most have a price in mind; so they spread over the house.
        let bands = self.goods.0.bands().len() as u64;
        let bands = match self.dice.below(10) {
            0..7 => vec![BandIx(self.dice.below(bands) as u8)],
            _ => Vec::new(),
        };
        let best = SeatRequest::BestAvailable {
            quantity: party as u16,
            bands,
            together: self.dice.below(4) > 0,
        };
        let request = if self.dice.below(10) < 4 {
            best
        } else {
            match seats_near(&self.goods.0, view, &mut self.dice, party) {
                Some(seats) => SeatRequest::These(seats.into_iter().map(Place::Seat).collect()),
                None => best,
            }
        };
        let command = Command::PlaceHold {
            hold: HoldId::from(self.dice.id()),
            fan: self.id,
            request,
            needs_accessible: false,
            allocation: None,
        };
        let answer = self.send(command).await;
        answer.ok().and_then(|answer| answer.hold)
    }

    async fn send(&mut self, command: Command) -> Result<Answer, LaneError> {
        let id = CommandId::from(self.dice.id());
        let Crowd {
            inner, performance, ..
        } = &self.crowd;
        inner.lanes.send(*performance, id, command).await
    }

    async fn give_back(&mut self, hold: HoldId) {
        let command = Command::ReleaseHold { hold, fan: self.id };
        // It may have lapsed meanwhile, which comes to the same.
        let _ = self.send(command).await;
    }

    async fn pay(&mut self, hold: &Hold, card: &str) {
        let now_ms = self.crowd.inner.clock.now_ms();
        let items: Vec<_> = hold
            .places
            .iter()
            .map(|place| OrderItem {
                place: *place,
                price_type: PriceTypeIx(0),
            })
            .collect();
        let (map, terms) = &self.goods;
        let Ok(price) = quote(&terms.prices, map, &items, None, now_ms) else {
            return;
        };
        // Where nothing is to be paid, no card is asked for.
        let card = (price.total_minor > 0)
            .then(|| card_of(card, now_ms))
            .flatten();
        let wanted = Wanted {
            command: CommandId::from(self.dice.id()),
            fan: self.id,
            performance: self.crowd.performance,
            hold: hold.hold,
            order: OrderId::from(self.dice.id()),
            items,
            voucher: None,
            promise: Promise {
                quoted_ms: now_ms,
                valid_until_ms: now_ms + VALID_MS,
                total_minor: price.total_minor,
            },
            buyer: Buyer {
                name: "Simulated Fan".to_owned(),
                email: "fan@simulated.example".to_owned(),
            },
            card,
        };
        if let Err(error) = self.crowd.inner.checkouts.pay(wanted).await {
            tracing::debug!(%error, "a simulated fan did not get their seats");
        }
    }
}

/// A test card that is good for years.
fn card_of(number: &str, now_ms: i64) -> Option<Card> {
    let now = jiff::Timestamp::from_millisecond(now_ms).ok()?;
    let year = now.to_zoned(jiff::tz::TimeZone::UTC).year() + 4;
    let input = CardInput {
        card_number: Secret::new(number),
        expiry: Secret::new(&format!("12/{year}")),
        cvc: Secret::new("123"),
    };
    Card::check(&input, now_ms).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fans_leave_seats_for_the_newcomer() {
        let counts = |open, sold| Counts {
            open,
            held: 0,
            sold,
            closed: 0,
        };
        assert!(has_seats_to_spare(counts(100, 0)));
        assert!(has_seats_to_spare(counts(16, 84)));
        assert!(!has_seats_to_spare(counts(15, 85)));
        assert!(!has_seats_to_spare(counts(0, 0)));
    }

    #[test]
    fn they_come_faster_to_a_larger_house_and_never_in_a_flood() {
        assert_eq!(gap_ms(0), 1_400);
        assert_eq!(gap_ms(1_200), 1_250);
        assert_eq!(gap_ms(50_000), 250);
    }

    #[test]
    fn every_mood_and_party_comes_up() {
        let mut dice = Dice(1);
        let moods: Vec<_> = (0..200).map(|_| dice.mood()).collect();
        for mood in [Mood::Buys, Mood::BadCard, Mood::GivesBack, Mood::Leaves] {
            assert!(moods.contains(&mood), "{mood:?}");
        }
        let parties: std::collections::BTreeSet<_> = (0..200).map(|_| dice.party()).collect();
        assert_eq!(parties.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
    }

    #[test]
    fn seats_of_a_party_are_free_and_side_by_side() {
        let map =
            booking_core::test_support::built(booking_core::test_support::house_spec(1, 5, 9));
        let terms = booking_core::SaleTerms {
            rules: booking_core::terms::BookingRules::default(),
            prices: booking_core::test_support::plain_prices(map.bands().len()),
        };
        let inventory = booking_core::Inventory::new(map.clone(), Arc::new(terms));
        let mut view = PublicView::of(&inventory, 0);
        for taken in (0..map.seat_count()).step_by(4) {
            view.set(SeatIx(taken), SeatStatus::Sold);
        }
        let mut dice = Dice(7);
        for _ in 0..50 {
            if let Some(seats) = seats_near(&map, &view, &mut dice, 3) {
                assert!(
                    seats
                        .iter()
                        .all(|seat| view.status(*seat) == SeatStatus::Free)
                );
                assert!(seats.windows(2).all(|two| map.next(two[0]) == Some(two[1])));
            }
        }
        assert_eq!(seats_near(&map, &view, &mut dice, 5), None);
    }
}

//! A fan's way through the waiting room: a place in the line, looking, coming in, giving signs of life,
//! leaving; and everything that people do besides: asking twice, showing what is not theirs, falling
//! silent, going away and coming back.

use crate::fans::Fan;
use crate::office::Server;
use crate::room::ROOM;
use onsale_queue::room::port::Leaving;
use onsale_queue::room::{Admitted, Joined, Presence};
use onsale_queue::wire::{ClaimRefused, JoinRefused, PublicRoom, Standing, Wishes};
use onsale_queue::{Authority, Place, VisitorId};
use std::sync::Arc;

/// Times somebody asks again whether they may shop.
const TRIES: u32 = 6;
/// How long who falls silent is silent.
const SILENT_MS: u64 = 14_000;

/// By what right somebody shops.
pub(crate) enum Way {
    /// The room is quiet: everybody may.
    Open,
    Admitted(Admitted),
}

/// A place in the line.
#[derive(Clone)]
pub(crate) struct Stand {
    joined: Joined,
    /// Somebody was asked to let them in, and nobody knows what came of it.
    perhaps_in: bool,
    been_in: bool,
    /// When the document was written by which they had so many before them, with so many numbers given
    /// in the epochs before theirs, in which life of the room.
    last: Option<(i64, u64, (u64, usize))>,
}

impl Fan {
    fn visitor(&self) -> VisitorId {
        VisitorId(*self.id.as_bytes())
    }

    fn now_ms(&self) -> i64 {
        self.world().clock.now_ms()
    }

    /// Once through the room, the shop and out again.
    pub(crate) async fn visit(&self) {
        match self.come_in().await {
            None => {}
            Some(Way::Open) => self.shop().await,
            Some(Way::Admitted(admitted)) => {
                *self.admitted() = Some(admitted.clone());
                tokio::select! {
                    biased;
                    () = self.shop() => {}
                    () = self.give_signs(&admitted) => {}
                }
                *self.admitted() = None;
                match self.roll(6) {
                    // Closes the window.
                    0 => {}
                    _ => self.leave(&admitted).await,
                }
            }
        }
    }

    /// Waits until they are in, or the room is quiet, or they have had enough.
    async fn come_in(&self) -> Option<Way> {
        let mut stand = self.kept().take();
        loop {
            if stand.is_none() && self.world().is_closing() {
                return None;
            }
            let public = self.look().await;
            if let Some(public) = public {
                if !public.on {
                    return (!self.world().is_closing()).then_some(Way::Open);
                }
                match &mut stand {
                    None if public.state.may_join() => stand = self.join().await,
                    None => {}
                    Some(mine) => match self.stands(mine, &public).await {
                        Next::Wait => {}
                        Next::In(admitted) => {
                            if self.roll(4) == 0 {
                                *self.kept() = stand;
                            }
                            return Some(Way::Admitted(admitted));
                        }
                        Next::JoinAgain => {
                            stand = self.join().await;
                        }
                        Next::Over => return None,
                    },
                }
            }
            if !self.world().is_closing() && self.roll(60) == 0 {
                // Has had enough; and comes back with the same place perhaps.
                *self.kept() = stand;
                return None;
            }
            let most_ms = if self.roll(25) == 0 { SILENT_MS } else { 1_500 };
            self.think(most_ms).await;
        }
    }

    /// The document that everybody polls, from some server.
    async fn look(&self) -> Option<Arc<PublicRoom>> {
        let world = Arc::clone(&self.office.world);
        let answer = self.office.ask(|server| async move {
            let public = server.rooms?.public(ROOM)?;
            world.doors().shown(server.number, &public);
            Some(public)
        });
        answer.await.flatten()
    }

    async fn join(&self) -> Option<Stand> {
        let visitor = self.visitor();
        let answer = self
            .office
            .ask(|server| async move {
                let rooms = server.rooms?;
                Some(rooms.join(ROOM, visitor, None, Wishes::default()).await)
            })
            .await;
        match answer.flatten() {
            Some(Ok(joined)) => {
                self.world().count(|counts| counts.joined += 1);
                let place = joined.pass.place;
                self.world()
                    .say(format_args!("{} joins as {place:?}", self.short()));
                self.world().doors().placed(visitor, place);
                Some(Stand {
                    joined,
                    perhaps_in: false,
                    been_in: false,
                    last: None,
                })
            }
            Some(Err(JoinRefused::NotNow { .. } | JoinRefused::Away { .. })) | None => None,
        }
    }

    fn short(&self) -> u128 {
        u128::from_be_bytes(*self.id.as_bytes())
    }

    async fn stands(&self, mine: &mut Stand, public: &PublicRoom) -> Next {
        let place = mine.joined.pass.place;
        let counts = public.effective(place);
        if counts != place {
            self.world().doors().drew(place, counts);
        }
        match public.standing(place) {
            Standing::Gathered { .. } | Standing::Unknown => {
                self.show_pass(mine).await;
                Next::Wait
            }
            Standing::Waiting { ahead, .. } => {
                self.note_ahead(mine, public, ahead);
                match self.roll(12) {
                    0 => self.show_pass(mine).await,
                    // Tries before it is their turn, as far as they know.
                    1 => return self.claim(mine, counts).await,
                    _ => {}
                }
                Next::Wait
            }
            Standing::YourTurn { .. } => self.claim(mine, counts).await,
            Standing::TurnOver => Next::JoinAgain,
            Standing::Closed => Next::Over,
        }
    }

    /// Nobody moves back: neither in the line of one epoch, nor by those before it.
    fn note_ahead(&self, mine: &mut Stand, public: &PublicRoom, ahead: u64) {
        if public.outage.is_some() {
            return;
        }
        let own = public.effective(mine.joined.pass.place).epoch;
        let earlier = public.epochs.iter().filter(|known| known.epoch < own);
        // A room that has died learns from the passes that are shown how many had been given before.
        let given = earlier.map(|known| known.next.0).sum();
        let epochs = (given, self.world().doors().lives());
        if let Some((written_ms, before, of)) = mine.last {
            if public.now_ms <= written_ms {
                return;
            }
            if of == epochs && ahead > before {
                let what = format!(
                    "{:?} had {before} in line, and then {ahead}",
                    mine.joined.pass.place
                );
                self.world().doors().fault(what);
            }
        }
        mine.last = Some((public.now_ms, ahead, epochs));
    }

    /// Shows a pass, and sometimes somebody else's.
    async fn show_pass(&self, mine: &Stand) {
        let token = mine.joined.token.clone();
        let (visitor, other) = (self.visitor(), VisitorId([0xee; 16]));
        let is_theirs = self
            .office
            .ask(|server| async move {
                let rooms = server.rooms?;
                let theirs = rooms.check_pass(ROOM, &token, other).is_ok();
                // Refused where a clock is too far behind: they come again.
                let _ = rooms.check_pass(ROOM, &token, visitor);
                Some(theirs)
            })
            .await;
        if is_theirs.flatten() == Some(true) {
            let what = "a pass was accepted for another visitor".to_owned();
            self.world().doors().fault(what);
        }
    }

    async fn claim(&self, mine: &mut Stand, counts: Place) -> Next {
        let claims = if self.roll(6) == 0 { 2 } else { 1 };
        let mut next = Next::Wait;
        let asked = (0..claims).map(|_| self.claim_once(mine));
        for answer in futures_util::future::join_all(asked).await {
            match answer {
                Some(Ok(admitted)) => {
                    let is_new = self
                        .world()
                        .doors()
                        .admitted(self.visitor(), counts, &admitted);
                    if is_new {
                        self.world().count(|counts| counts.let_in += 1);
                        self.world().say(format_args!("{} comes in", self.short()));
                    }
                    mine.been_in = true;
                    next = Next::In(admitted);
                }
                Some(Err(refused)) => {
                    self.world().count(|counts| counts.not_let_in += 1);
                    if let (Next::Wait, Some(other)) = (&next, self.is_refused(mine, refused)) {
                        next = other;
                    }
                }
                None => mine.perhaps_in = true,
            }
        }
        next
    }

    fn is_refused(&self, mine: &mut Stand, refused: ClaimRefused) -> Option<Next> {
        match refused {
            ClaimRefused::Away { .. } => {
                mine.perhaps_in = true;
                None
            }
            ClaimRefused::NotYourTurn
            | ClaimRefused::Full { .. }
            | ClaimRefused::SoldOut { .. }
            | ClaimRefused::NotCalling { .. } => None,
            ClaimRefused::TurnOver => Some(Next::JoinAgain),
            ClaimRefused::Used => {
                if !mine.been_in && !mine.perhaps_in {
                    let place = mine.joined.pass.place;
                    let what = format!("{place:?} never came in, and is said to have been used");
                    self.world().doors().fault(what);
                }
                Some(Next::JoinAgain)
            }
            ClaimRefused::UsedElsewhere | ClaimRefused::NoSuchCode => {
                let place = mine.joined.pass.place;
                let what = format!("{place:?} was refused: {refused:?}");
                self.world().doors().fault(what);
                None
            }
        }
    }

    /// As the shop does: a pass is checked, then claimed. `None`: nobody knows.
    async fn claim_once(&self, mine: &Stand) -> Option<Result<Admitted, ClaimRefused>> {
        let (token, visitor) = (mine.joined.token.clone(), self.visitor());
        let answer = self.office.ask(|server| async move {
            let rooms = server.rooms?;
            let Ok(pass) = rooms.check_pass(ROOM, &token, visitor) else {
                // Its clock is too far behind that of the server which gave the pass.
                return Some(Err(ClaimRefused::NotYourTurn));
            };
            Some(rooms.claim(&pass, visitor, Authority::default()).await)
        });
        answer.await.flatten()
    }

    /// Whether they may go on shopping: asked before every hold and every checkout.
    pub(crate) async fn may_shop(&self) -> bool {
        let admitted = self.admitted().clone();
        let Some(admitted) = admitted else {
            return true;
        };
        for _ in 0..TRIES {
            match self.show(&admitted).await {
                Some(Presence::Inside { .. }) => return true,
                Some(Presence::Over) => return false,
                Some(Presence::Full) => self.think(2_500).await,
                None => self.think(800).await,
            }
        }
        false
    }

    /// Shows an admission to some server.
    async fn show(&self, admitted: &Admitted) -> Option<Presence> {
        let (visitor, other) = (self.visitor(), VisitorId([0xee; 16]));
        let asked_ms = self.now_ms();
        let (token, id) = (admitted.token.clone(), admitted.admission.id);
        let world = Arc::clone(&self.office.world);
        let answer = self.office.ask(|server: Server| async move {
            let rooms = server.rooms?;
            if rooms.check_admission(ROOM, &token, other).is_ok() {
                world.doors().accepted(id, other, asked_ms, server.number);
            }
            let presence = match rooms.check_admission(ROOM, &token, visitor) {
                Ok(admission) => rooms.check_in(&admission).await,
                // Its clock goes wrong: another server's may not.
                Err(_) => return None,
            };
            if let Presence::Inside { .. } = presence {
                world.doors().accepted(id, visitor, asked_ms, server.number);
            }
            Some(presence)
        });
        answer.await.flatten()
    }

    /// The open page's signs of life, until it is told that the visit is over.
    async fn give_signs(&self, admitted: &Admitted) {
        loop {
            let is_silent = self.roll(15) == 0;
            self.think(if is_silent { SILENT_MS } else { 4_000 }).await;
            match self.show(admitted).await {
                Some(Presence::Over) => return,
                Some(Presence::Full) => {
                    self.world().count(|counts| counts.were_idle += 1);
                }
                Some(Presence::Inside { .. }) | None => {}
            }
        }
    }

    async fn leave(&self, admitted: &Admitted) {
        let id = admitted.admission.id;
        let how = if self.roll(2) == 0 {
            Leaving::Completed
        } else {
            Leaving::Abandoned
        };
        self.world().doors().asks_to_leave(id, self.now_ms());
        for _ in 0..3 {
            let admission = admitted.admission.clone();
            let answer = self.office.ask(|server| async move {
                let left = server.rooms?.leave(&admission, how).await;
                Some((left, server.number))
            });
            if let Some((left, number)) = answer.await.flatten() {
                let is_told = left.is_ok();
                let now_ms = self.now_ms();
                self.world().doors().left(id, now_ms, number, is_told);
                if self.roll(8) > 0 {
                    break;
                }
            }
            self.think(700).await;
        }
        // Some press the button once more.
        for _ in 0..self.roll(3) {
            self.think(900).await;
            self.show(admitted).await;
        }
    }
}

/// What becomes of somebody in the line.
enum Next {
    Wait,
    In(Admitted),
    JoinAgain,
    Over,
}

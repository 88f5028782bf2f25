//! A visitor: joining, standing, claiming, staying, leaving.

use super::purchase::Purchase;
use super::refusal::{Refusal, RoomsError, store_refused};
use super::{Entry, WaitingRooms, offer::Offer};
use booking_core::{FanId, PerformanceId};
use onsale_queue::pow::{Challenge, PowFault};
use onsale_queue::room::port::{Leaving, Spent};
use onsale_queue::room::{Admitted, Joined, Presence};
use onsale_queue::wire::{ClaimRefused, PublicRoom, Standing, Wishes};
use onsale_queue::{Admission, Authority, Pass, RoomId, TokenFault, VisitorId};
use std::net::IpAddr;
use std::sync::Arc;

/// How long a challenge can be solved.
const CHALLENGE_MS: i64 = 5 * 60_000;
/// Of the guests an account has adopted, those a pass or an admission may have been given to.
const GUESTS_TRIED: usize = 8;

/// Who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// As whom they act: what an admission is bound to.
    pub visitor: VisitorId,
    /// Who they were before they signed in.
    pub before: Vec<VisitorId>,
    /// Their account, where they have signed in.
    pub account: Option<[u8; 16]>,
    /// From where.
    pub address: IpAddr,
}

impl Caller {
    /// Fans, the one they act as first.
    #[must_use]
    pub fn new(
        fans: impl IntoIterator<Item = FanId>,
        account: Option<[u8; 16]>,
        address: IpAddr,
    ) -> Self {
        let mut fans = fans.into_iter().map(|fan| VisitorId(*fan.as_bytes()));
        Self {
            visitor: fans.next().unwrap_or(VisitorId([0; 16])),
            before: fans.take(GUESTS_TRIED).collect(),
            account,
            address,
        }
    }

    /// The same as fans.
    pub fn fans(&self) -> impl Iterator<Item = FanId> + '_ {
        self.all().map(|visitor| FanId::from_bytes(visitor.0))
    }

    fn all(&self) -> impl Iterator<Item = VisitorId> + '_ {
        std::iter::once(self.visitor).chain(self.before.iter().copied())
    }
}

/// What somebody brings who wants a number.
#[derive(Clone, Debug, Default)]
pub struct JoinWish {
    /// The challenge they solved.
    pub challenge: Option<String>,
    /// By which counter.
    pub counter: Option<u64>,
    /// What they want.
    pub wishes: Wishes,
    /// The pass they have.
    pub pass: Option<String>,
}

/// By what right somebody wants in.
#[derive(Clone, Debug)]
pub enum By {
    /// A pass.
    Pass(String),
    /// A bypass code.
    Code(String),
}

/// Somebody's place, and where they stand.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The pass.
    pub joined: Joined,
    /// Where they stand.
    pub standing: Standing,
    /// When to ask again.
    pub poll_after_ms: u64,
    /// They have just got the place.
    pub is_new: bool,
}

/// Let in.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The admission.
    pub admitted: Admitted,
    /// A shopper who gives no sign for so long has gone.
    pub idle_ms: u32,
    /// What the room protects.
    pub performances: Arc<[PerformanceId]>,
    /// Seats that match what was wished for.
    pub offer: Option<Offer>,
}

impl WaitingRooms {
    /// What everybody polls.
    pub fn public(&self, room: RoomId) -> Result<Arc<PublicRoom>, RoomsError> {
        self.0.rooms.public(room).ok_or(RoomsError::NotFound)
    }

    /// Something to work on, where the room asks for it.
    pub fn challenge(&self, room: RoomId) -> Result<Option<(String, Challenge)>, RoomsError> {
        let bits = self.public(room)?.pow_bits;
        if bits == 0 {
            return Ok(None);
        }
        let challenge = Challenge {
            room,
            nonce: crate::clock::random_bytes(),
            bits,
            expires_ms: self.0.clock.now_ms() + CHALLENGE_MS,
        };
        Ok(Some((self.0.pow.issue(&challenge), challenge)))
    }

    /// Gives a place, or the one again that a good pass holds.
    pub async fn join(
        &self,
        room: RoomId,
        caller: &Caller,
        wish: JoinWish,
    ) -> Result<Placed, RoomsError> {
        let public = self.public(room)?;
        if let Some(kept) = wish.pass.as_deref().and_then(|pass| {
            let pass = self.0.checked_pass(&public, pass, caller).ok()?;
            let over = matches!(
                public.standing(pass.place),
                Standing::TurnOver | Standing::Closed
            );
            (!over).then(|| self.0.rooms.wish(&pass, pass.wishes))
        }) {
            return Ok(self.placed(&public, kept, false));
        }
        if public.accounts_required && caller.account.is_none() {
            return Err(RoomsError::SignInNeeded);
        }
        let refused = |refusal| RoomsError::Refused(room, refusal);
        if !public.state.may_join() {
            let not_now = onsale_queue::wire::JoinRefused::NotNow {
                state: public.state,
            };
            return Err(refused(Refusal::of_join(not_now, public.opens_ms)));
        }
        self.check_wishes(room, wish.wishes)?;
        self.may_join(caller.address).await?;
        self.0.check_work(&public, &wish).await?;
        let person = caller.account.filter(|_| public.accounts_required);
        let joined = self
            .0
            .rooms
            .join(room, caller.visitor, person, wish.wishes)
            .await
            .map_err(|no| refused(Refusal::of_join(no, public.opens_ms)))?;
        Ok(self.placed(&public, joined, true))
    }

    /// Whether an address may ask for one more number, or try one more code, by this server's count and
    /// by that of all servers.
    async fn may_join(&self, address: IpAddr) -> Result<(), RoomsError> {
        let too_many = |retry_after_s| RoomsError::TooMany { retry_after_s };
        let counted = self.0.limits.join(address);
        let Some((who, rate)) = counted.map_err(|slower| too_many(slower.0))? else {
            return Ok(());
        };
        match self.0.rooms.spend(&who, rate).await {
            Ok(Spent::Counted) => Ok(()),
            Ok(Spent::Wait(wait)) => Err(too_many(wait.as_secs().saturating_add(1))),
            // That the store is away is told and acted upon where it is asked for the number.
            Err(error) => {
                tracing::debug!(%error, "joins are counted by this server alone");
                Ok(())
            }
        }
    }

    /// The same for a visitor of our own making: nobody asks them for work, and they do not count as
    /// many from one address.
    pub async fn join_simulated(
        &self,
        room: RoomId,
        caller: &Caller,
        wishes: Wishes,
    ) -> Result<Placed, RoomsError> {
        let public = self.public(room)?;
        let joined = self
            .0
            .rooms
            .join(room, caller.visitor, None, wishes)
            .await
            .map_err(|no| RoomsError::Refused(room, Refusal::of_join(no, public.opens_ms)))?;
        Ok(self.placed(&public, joined, true))
    }

    /// Where the holder of a pass stands. Shows the room a place that it may have forgotten.
    pub fn standing(
        &self,
        room: RoomId,
        caller: &Caller,
        pass: &str,
    ) -> Result<Placed, RoomsError> {
        let public = self.public(room)?;
        let checked = self.0.checked_pass(&public, pass, caller);
        let pass_text = pass.to_owned();
        let pass = checked.map_err(|fault| RoomsError::Refused(room, Refusal::of_pass(fault)))?;
        let joined = Joined {
            pass,
            token: pass_text,
        };
        Ok(self.placed(&public, joined, false))
    }

    /// The same place with other wishes.
    pub fn wish(
        &self,
        room: RoomId,
        caller: &Caller,
        pass: &str,
        wishes: Wishes,
    ) -> Result<Placed, RoomsError> {
        let public = self.public(room)?;
        let pass = self
            .0
            .checked_pass(&public, pass, caller)
            .map_err(|fault| RoomsError::Refused(room, Refusal::of_pass(fault)))?;
        self.check_wishes(room, wishes)?;
        let joined = self.0.rooms.wish(&pass, wishes);
        Ok(self.placed(&public, joined, false))
    }

    /// Whether what somebody wishes for can be had by who waits here: better said now than at the end
    /// of the line.
    fn check_wishes(&self, room: RoomId, wishes: Wishes) -> Result<(), RoomsError> {
        if wishes.places > Wishes::MOST_PLACES {
            let (places, most) = (wishes.places, Wishes::MOST_PLACES);
            return Err(RoomsError::Malformed {
                at: "wishes.places".to_owned(),
                what: format!("{places} is not between 0 and {most}"),
            });
        }
        let authority = self.entry(room)?.authority();
        authority.grants(wishes).map_err(|beyond| {
            RoomsError::Refused(
                room,
                Refusal::AdmissionLimited(beyond, (*authority).clone()),
            )
        })
    }

    fn placed(&self, public: &PublicRoom, joined: Joined, is_new: bool) -> Placed {
        // A number given a moment ago is not in the document yet: it is behind everybody.
        let standing = match public.standing(joined.pass.place) {
            Standing::Unknown if is_new => {
                let waiting = public.waiting.saturating_add(1);
                Standing::Waiting {
                    ahead: waiting,
                    waiting,
                    estimate: public.estimate(waiting),
                }
            }
            standing => standing,
        };
        let [high, low] = crate::clock::random_bytes::<2>();
        let spread = u16::from_be_bytes([high, low]) % 1_001;
        Placed {
            poll_after_ms: public.poll_after_ms(standing, spread),
            joined,
            standing,
            is_new,
        }
    }

    /// Lets somebody in, if it is their turn and there is room.
    pub async fn claim(
        &self,
        room: RoomId,
        caller: &Caller,
        by: By,
        performance: Option<PerformanceId>,
    ) -> Result<Claimed, RoomsError> {
        let entry = self.entry(room)?;
        let public = self.public(room)?;
        let refused = |refusal| RoomsError::Refused(room, refusal);
        let (admitted, wishes) = match by {
            By::Pass(pass) => {
                let pass = self
                    .0
                    .checked_pass(&public, &pass, caller)
                    .map_err(|fault| refused(Refusal::of_pass(fault)))?;
                self.0
                    .limits
                    .claim(room.0, pass.place)
                    .map_err(|slower| RoomsError::TooMany {
                        retry_after_s: slower.0,
                    })?;
                let admitted = self.0.claim_turn(&entry, caller, &pass).await;
                let wishes = pass.wishes;
                (
                    admitted.map_err(|no| refused(claim_refused(no, &public, Some(&pass))))?,
                    wishes,
                )
            }
            By::Code(code) => {
                self.may_join(caller.address).await?;
                let id = onsale_queue::room::code_id(room, &code);
                let authority = self.0.code_authority(&entry, &id).await?;
                let rooms = &self.0.rooms;
                let admitted = rooms
                    .claim_with_code(room, &code, caller.visitor, authority)
                    .await;
                (
                    admitted.map_err(|no| refused(claim_refused(no, &public, None)))?,
                    Wishes::default(),
                )
            }
        };
        let idle_ms = self.0.rooms.row(room).map_or(0, |row| row.settings.idle_ms);
        let purchase = Purchase::from(&admitted.admission.authority);
        let offer = self
            .0
            .offer(
                &entry,
                admitted.admission.visitor,
                wishes,
                &purchase,
                performance,
            )
            .await;
        Ok(Claimed {
            admitted,
            idle_ms,
            performances: entry.performances(),
            offer,
        })
    }

    /// An admission that was shown by one of the caller's selves.
    pub fn checked_admission(
        &self,
        room: RoomId,
        caller: &Caller,
        token: &str,
    ) -> Result<Admission, RoomsError> {
        let mut fault = TokenFault::OtherVisitor;
        for visitor in caller.all() {
            match self.0.rooms.check_admission(room, token, visitor) {
                Ok(admission) => return Ok(admission),
                Err(TokenFault::OtherVisitor) => {}
                Err(other) => {
                    fault = other;
                    break;
                }
            }
        }
        Err(RoomsError::Refused(room, Refusal::of_admission(fault)))
    }

    /// A sign of life. When the admission is over, and how long one may be idle.
    pub async fn presence(&self, admission: &Admission) -> Result<(i64, u32), RoomsError> {
        let room = admission.room;
        let row = self.0.rooms.row(room).ok_or(RoomsError::NotFound)?;
        match self.0.rooms.check_in(admission).await {
            Presence::Inside { expires_ms } => Ok((expires_ms, row.settings.idle_ms)),
            Presence::Full => {
                let retry_ms = 2_000;
                Err(RoomsError::Refused(room, Refusal::ShopFull { retry_ms }))
            }
            Presence::Over => Err(RoomsError::Refused(room, Refusal::AdmissionOver)),
        }
    }

    /// Frees the slot at once. Who has gone already is no fault.
    pub async fn leave(&self, admission: &Admission, how: Leaving) -> Result<(), RoomsError> {
        let left = self.0.rooms.leave(admission, how).await;
        left.map(drop)
            .map_err(|error| store_refused(admission.room, error))
    }

    /// Somebody looked at a performance behind a room: with enough of them it opens by itself.
    pub fn arrived(&self, performance: PerformanceId) -> Option<(RoomId, bool)> {
        let entry = self.0.registry.of_performance(performance)?;
        self.0.rooms.arrived(entry.room);
        Some((entry.room, self.0.rooms.is_on(entry.room)))
    }

    /// The room of a performance and whether it is on, without counting anybody.
    #[must_use]
    pub fn room_of(&self, performance: PerformanceId) -> Option<(RoomId, bool)> {
        let entry = self.0.registry.of_performance(performance)?;
        Some((entry.room, self.0.rooms.is_on(entry.room)))
    }
}

fn claim_refused(no: ClaimRefused, public: &PublicRoom, pass: Option<&Pass>) -> Refusal {
    let standing = pass.map(|pass| public.standing(pass.place));
    let ahead = match standing {
        Some(Standing::Waiting { ahead, .. }) => Some(ahead),
        _ => None,
    };
    let retry_ms = standing.map_or(2_000, |standing| public.poll_after_ms(standing, 500));
    let retry_ms = u32::try_from(retry_ms).unwrap_or(u32::MAX);
    Refusal::of_claim(no, public.opens_ms, ahead, retry_ms)
}

impl super::Inner {
    /// A pass as it was shown. Where the room asks for accounts it must be the account's own;
    /// elsewhere carrying it to another device is what it is for.
    fn checked_pass(
        &self,
        public: &PublicRoom,
        token: &str,
        caller: &Caller,
    ) -> Result<Pass, TokenFault> {
        let shown = self.rooms.check_shown_pass(public.room, token)?;
        if public.accounts_required && !caller.all().any(|visitor| visitor == shown.visitor) {
            return Err(TokenFault::OtherVisitor);
        }
        Ok(shown)
    }

    /// What a code entitles to. Another server may have issued it a moment ago: where rooms are
    /// shared, the database knows, and nobody gets more than the code was made for.
    async fn code_authority(&self, entry: &Entry, code: &str) -> Result<Authority, RoomsError> {
        if self.memory.is_some() {
            return Ok(Authority::from(&*entry.code_authority(code)));
        }
        let all = self.table.code_authorities(entry.room.0).await?;
        let Some((_, kept)) = all.iter().find(|(id, _)| id == code) else {
            return Ok(Authority::from(&Purchase::default()));
        };
        let kept: Purchase = serde_json::from_str(kept)
            .map_err(|error| RoomsError::Storage(format!("a code's authority: {error}")))?;
        Ok(Authority::from(&kept))
    }

    async fn check_work(&self, public: &PublicRoom, wish: &JoinWish) -> Result<(), RoomsError> {
        if public.pow_bits == 0 {
            return Ok(());
        }
        let refused = |refusal| RoomsError::Refused(public.room, refusal);
        let (Some(challenge), Some(counter)) = (&wish.challenge, wish.counter) else {
            return Err(refused(Refusal::ChallengeFailed("missing")));
        };
        let now_ms = self.clock.now_ms();
        let solved = self
            .pow
            .verify(challenge, counter, public.room, public.pow_bits, now_ms)
            .map_err(|fault| refused(Refusal::of_challenge(fault)))?;
        match self.rooms.use_challenge(&solved).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(refused(Refusal::of_challenge(PowFault::Used))),
            Err(error) => Err(store_refused(public.room, error)),
        }
    }

    /// Claims as who the caller is, or, where they came in before they signed in, as who they were.
    async fn claim_turn(
        &self,
        entry: &Entry,
        caller: &Caller,
        pass: &Pass,
    ) -> Result<Admitted, ClaimRefused> {
        let authority = entry.authority();
        let mut answer = Err(ClaimRefused::UsedElsewhere);
        for visitor in caller.all() {
            answer = self
                .rooms
                .claim(pass, visitor, Authority::from(&*authority))
                .await;
            if !matches!(answer, Err(ClaimRefused::UsedElsewhere)) {
                break;
            }
        }
        answer
    }
}

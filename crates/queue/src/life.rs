//! The life of a room: which states there are and what an operator may do in each.

/// Where a room is in its life.
///
/// ```text
/// Scheduled ─► Gathering ─► Drawing ─► Open ◄──► Paused
///      └──────────────────────────────► │            │
///                                       ▼            │
///                       Closed ◄─── Draining ◄───────┘
///                          ▲            ▲
///                          └─────────── ▼
///                                    Halted
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum RoomState {
    /// Not open yet; visitors see when it will be.
    Scheduled,
    /// Visitors get numbers; their order is not decided. The draw's commitment is public.
    Gathering,
    /// Nobody joins the draw any more; the key is being revealed.
    Drawing,
    /// Visitors are called at the operator's rate; newcomers join behind.
    Open,
    /// Nobody is called. Newcomers join, places are kept, shoppers inside go on.
    Paused,
    /// Nobody joins any more; who waits is called until nobody is left.
    Draining,
    /// A pause while draining: nobody joins and nobody is called.
    Halted,
    /// Over. Nobody is called and nobody joins.
    Closed,
}

/// What an operator does to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Action {
    /// Lets visitors gather for the draw.
    Gather,
    /// Ends the gathering and reveals the key.
    Draw,
    /// Starts calling.
    Open,
    /// Stops calling.
    Pause,
    /// Goes on calling after a pause.
    Resume,
    /// Lets nobody else join.
    Drain,
    /// Ends the room.
    Close,
    /// Takes a closed room back to the start, for another sale or after a rehearsal.
    Reset,
}

impl Action {
    /// Every action, in the order of a room's life.
    pub const ALL: [Self; 8] = [
        Self::Gather,
        Self::Draw,
        Self::Open,
        Self::Pause,
        Self::Resume,
        Self::Drain,
        Self::Close,
        Self::Reset,
    ];
}

/// The room is not in a state for that action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a room that is {state:?} cannot {action:?}")]
pub struct NotAllowed {
    /// Where the room is.
    pub state: RoomState,
    /// What was asked.
    pub action: Action,
}

impl RoomState {
    /// The state after `action`.
    pub const fn after(self, action: Action) -> Result<Self, NotAllowed> {
        use RoomState::{Closed, Draining, Drawing, Gathering, Halted, Open, Paused, Scheduled};
        match (self, action) {
            (Scheduled, Action::Gather) => Ok(Gathering),
            (Gathering, Action::Draw) => Ok(Drawing),
            (Scheduled | Drawing, Action::Open) | (Paused, Action::Resume) => Ok(Open),
            (Open, Action::Pause) => Ok(Paused),
            (Draining, Action::Pause) => Ok(Halted),
            // Who was told that nobody else joins must not find others joining after a pause.
            (Open | Paused, Action::Drain) | (Halted, Action::Resume) => Ok(Draining),
            (
                Scheduled | Gathering | Drawing | Open | Paused | Draining | Halted,
                Action::Close,
            ) => Ok(Closed),
            (Closed, Action::Reset) => Ok(Scheduled),
            (state, action) => Err(NotAllowed { state, action }),
        }
    }

    /// Whether a newcomer gets a number.
    #[must_use]
    pub const fn may_join(self) -> bool {
        matches!(self, Self::Gathering | Self::Open | Self::Paused)
    }

    /// Whether the shop is behind the room: without an admission nobody gets in. A room that is only
    /// scheduled is invisible, unless its opening has been announced; see
    /// [`PublicRoom::on`](crate::wire::PublicRoom).
    #[must_use]
    pub const fn guards(self) -> bool {
        !matches!(self, Self::Scheduled | Self::Closed)
    }

    /// Every state, in the order of a room's life.
    pub const ALL: [Self; 8] = [
        Self::Scheduled,
        Self::Gathering,
        Self::Drawing,
        Self::Open,
        Self::Paused,
        Self::Draining,
        Self::Halted,
        Self::Closed,
    ];

    /// Whether the serving position may advance.
    #[must_use]
    pub const fn calls(self) -> bool {
        matches!(self, Self::Open | Self::Draining)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RoomState::{Closed, Draining, Drawing, Gathering, Halted, Open, Paused, Scheduled};

    #[test]
    fn a_sale_with_a_draw_goes_from_scheduled_to_closed() {
        let steps = [
            (Action::Gather, Gathering),
            (Action::Draw, Drawing),
            (Action::Open, Open),
            (Action::Pause, Paused),
            (Action::Resume, Open),
            (Action::Drain, Draining),
            (Action::Close, Closed),
        ];
        let mut state = Scheduled;
        for (action, expected) in steps {
            state = state.after(action).unwrap();
            assert_eq!(state, expected);
        }
    }

    #[test]
    fn a_gathering_cannot_open_without_its_draw() {
        assert!(Gathering.after(Action::Open).is_err());
    }

    #[test]
    fn every_state_but_closed_can_be_closed_and_only_closed_can_be_reset() {
        for state in RoomState::ALL {
            if state == Closed {
                continue;
            }
            assert_eq!(state.after(Action::Close), Ok(Closed));
            assert!(state.after(Action::Reset).is_err());
        }
        assert_eq!(Closed.after(Action::Reset), Ok(Scheduled));
    }

    #[test]
    fn nobody_is_called_unless_the_room_is_open_or_draining() {
        for state in RoomState::ALL {
            assert_eq!(state.calls(), matches!(state, Open | Draining), "{state:?}");
        }
    }

    #[test]
    fn a_pause_while_draining_lets_nobody_join_behind_those_who_wait() {
        let halted = Draining.after(Action::Pause).unwrap();
        assert_eq!(halted, Halted);
        assert!(!halted.may_join() && !halted.calls());
        assert_eq!(halted.after(Action::Resume), Ok(Draining));
    }
}

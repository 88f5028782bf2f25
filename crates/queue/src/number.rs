//! Numbers and positions.

/// A visitor's number within an epoch, from 0, in the order of joining (or, for those who gathered
/// before opening, in the order of the draw).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct QueueNumber(pub u64);

/// How far the room has got: every number below it has been called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct ServingPosition(pub u64);

/// Which life of the counter a number comes from.
///
/// A counter that lost acknowledged increments (a failover, a flushed store) starts a new epoch. Whoever
/// joined in an earlier one keeps their place before everybody who joins in a later one, so nobody
/// moves back and no two visitors share a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Epoch(pub u32);

/// A place in the queue: ordered by epoch first, then by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Place {
    /// Epoch the number was given in.
    pub epoch: Epoch,
    /// Number within the epoch.
    pub number: QueueNumber,
}

/// Where one epoch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EpochProgress {
    /// Which epoch.
    pub epoch: Epoch,
    /// How far its numbers have been called.
    pub serving: ServingPosition,
    /// The first number that nobody has (numbers given so far).
    pub next: QueueNumber,
    /// Below this nobody's place in the shop is kept free any more: their time to come is past. Until
    /// [`ended`](Self::ended) they may still come in where there is room.
    #[cfg_attr(feature = "serde", serde(default))]
    pub lapsed: QueueNumber,
    /// Below this a turn that was not taken is over.
    #[cfg_attr(feature = "serde", serde(default))]
    pub ended: QueueNumber,
}

impl EpochProgress {
    /// An epoch that nobody has joined yet.
    #[must_use]
    pub const fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            serving: ServingPosition(0),
            next: QueueNumber(0),
            lapsed: QueueNumber(0),
            ended: QueueNumber(0),
        }
    }

    /// Takes the further of what two knew of the same epoch: nothing ever goes back.
    pub fn merge(&mut self, other: &Self) {
        self.serving = self.serving.max(other.serving);
        self.lapsed = self.lapsed.max(other.lapsed);
        self.ended = self.ended.max(other.ended);
        // Whoever was called had a number.
        self.next = self.next.max(other.next).max(QueueNumber(self.serving.0));
    }

    /// Visitors of this epoch who have not been called.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        self.next.0.saturating_sub(self.serving.0)
    }
}

/// How many are before `place`, given every epoch's progress in ascending order: 0 when it has been
/// called. `None` where the epoch is not among them (a pass of another room).
///
/// O(epochs).
#[must_use]
pub fn ahead_of(place: Place, epochs: &[EpochProgress]) -> Option<u64> {
    let own = epochs
        .iter()
        .find(|progress| progress.epoch == place.epoch)?;
    if place.number.0 < own.serving.0 {
        return Some(0);
    }
    let earlier: u64 = epochs
        .iter()
        .take_while(|progress| progress.epoch < place.epoch)
        .map(EpochProgress::waiting)
        .fold(0, u64::saturating_add);
    // Whoever is next has nobody before them but is still waiting: the count includes oneself.
    Some(
        earlier
            .saturating_add(place.number.0 - own.serving.0)
            .saturating_add(1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(epoch: u32, serving: u64, next: u64) -> EpochProgress {
        EpochProgress {
            epoch: Epoch(epoch),
            serving: ServingPosition(serving),
            next: QueueNumber(next),
            ..EpochProgress::new(Epoch(epoch))
        }
    }
    fn place(epoch: u32, number: u64) -> Place {
        Place {
            epoch: Epoch(epoch),
            number: QueueNumber(number),
        }
    }

    #[test]
    fn a_called_number_has_nobody_ahead() {
        assert_eq!(ahead_of(place(0, 4), &[progress(0, 5, 9)]), Some(0));
    }

    #[test]
    fn the_next_number_is_first_in_line() {
        assert_eq!(ahead_of(place(0, 5), &[progress(0, 5, 9)]), Some(1));
    }

    #[test]
    fn who_joined_before_a_failover_stays_before_who_joined_after() {
        let epochs = [progress(0, 5, 100), progress(1, 0, 50)];
        assert_eq!(ahead_of(place(0, 99), &epochs), Some(95));
        assert_eq!(ahead_of(place(1, 0), &epochs), Some(96));
    }

    #[test]
    fn what_two_knew_of_an_epoch_never_takes_anybody_back() {
        let mut known = progress(0, 50, 60);
        known.merge(&progress(0, 40, 90));
        assert_eq!(known, progress(0, 50, 90));
    }

    #[test]
    fn a_place_of_an_unknown_epoch_is_no_place_here() {
        assert_eq!(ahead_of(place(7, 0), &[progress(0, 0, 1)]), None);
    }
}

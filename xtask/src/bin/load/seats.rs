//! Which seats a fan asks for.

/// xorshift64*: the same choices in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }
}

/// How fans choose.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Choice {
    /// Any two free neighbours, as somebody sees them who looks at the live map.
    Uniform,
    /// Two neighbours among the first two thousand seats, free or not: everyone wants the front rows.
    Front,
}

/// Seats of one performance as the fans of this generator see them.
pub(crate) struct Seats {
    free: Vec<bool>,
    left: u32,
}

const FRONT: u32 = 2_000;

impl Seats {
    pub(crate) fn new(free: Vec<bool>) -> Self {
        let left = free.iter().filter(|free| **free).count() as u32;
        Self { free, left }
    }

    pub(crate) fn left(&self) -> u32 {
        self.left
    }

    pub(crate) fn len(&self) -> u32 {
        self.free.len() as u32
    }

    /// The first of two neighbouring seats, marked as gone; `None` if none is found in good time.
    pub(crate) fn take(&mut self, choice: Choice, dice: &mut Dice) -> Option<u32> {
        let bound = match choice {
            Choice::Uniform => self.len(),
            Choice::Front => self.len().min(FRONT),
        };
        for _ in 0..10_000 {
            let seat = dice.below(bound - 1);
            if choice == Choice::Front || self.free[seat as usize] && self.free[seat as usize + 1] {
                self.set(seat, false);
                return Some(seat);
            }
        }
        None
    }

    /// Both seats are free again.
    pub(crate) fn give_back(&mut self, seat: u32) {
        self.set(seat, true);
    }

    fn set(&mut self, seat: u32, free: bool) {
        for seat in [seat as usize, seat as usize + 1] {
            if self.free[seat] != free {
                self.free[seat] = free;
                self.left = if free { self.left + 1 } else { self.left - 1 };
            }
        }
    }
}

//! Which seat is under a finger: a grid over the seats, so that an answer costs a few cells and not
//! fifty thousand distances.

use crate::geometry::Rect;
use crate::house::House;

/// An arrow key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards smaller x.
    Left,
    /// Towards larger x.
    Right,
    /// Towards smaller y.
    Up,
    /// Towards larger y.
    Down,
}

/// Seats by cell: `seats[starts[cell]..starts[cell + 1]]`, ascending within a cell.
#[derive(Clone, Debug)]
pub struct Grid {
    x0: f32,
    y0: f32,
    cell: f32,
    columns: usize,
    rows: usize,
    starts: Vec<u32>,
    seats: Vec<u32>,
}

impl Grid {
    /// Sorts the seats of `house` into cells about three seats wide. At most about two cells a seat,
    /// however far apart the seats stand.
    #[must_use]
    pub fn over(house: &House) -> Self {
        let mut bounds = Rect::NOTHING;
        for (&x, &y) in house.xs.iter().zip(&house.ys) {
            bounds.hold(x, y);
        }
        if bounds.is_nothing() {
            bounds = Rect {
                x0: 0.0,
                y0: 0.0,
                x1: 0.0,
                y1: 0.0,
            };
        }
        let most = (house.xs.len() * 2).max(64) as f32;
        let least = (bounds.width().max(1.0) * bounds.height().max(1.0) / most).sqrt();
        let cell = (house.pitch * 3.0)
            .max(least)
            .max(bounds.width().max(bounds.height()) / 4096.0)
            .max(1e-3);
        let columns = (bounds.width() / cell) as usize + 1;
        let rows = (bounds.height() / cell) as usize + 1;
        let place = |x: f32, y: f32| {
            let column = (((x - bounds.x0) / cell) as usize).min(columns - 1);
            let row = (((y - bounds.y0) / cell) as usize).min(rows - 1);
            row * columns + column
        };
        let mut starts = vec![0_u32; columns * rows + 1];
        for (&x, &y) in house.xs.iter().zip(&house.ys) {
            starts[place(x, y) + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut next = starts.clone();
        let mut seats = vec![0_u32; house.xs.len()];
        for (seat, (&x, &y)) in house.xs.iter().zip(&house.ys).enumerate() {
            let at = &mut next[place(x, y)];
            seats[*at as usize] = seat as u32;
            *at += 1;
        }
        Self {
            x0: bounds.x0,
            y0: bounds.y0,
            cell,
            columns,
            rows,
            starts,
            seats,
        }
    }

    /// Calls `found` with every seat whose cell meets `rect` (a superset of the seats inside).
    pub fn near(&self, rect: Rect, mut found: impl FnMut(u32)) {
        let column = |x: f32| ((x - self.x0) / self.cell).floor();
        let row = |y: f32| ((y - self.y0) / self.cell).floor();
        let (c0, c1) = (
            column(rect.x0).max(0.0),
            column(rect.x1).min(self.columns as f32 - 1.0),
        );
        let (r0, r1) = (
            row(rect.y0).max(0.0),
            row(rect.y1).min(self.rows as f32 - 1.0),
        );
        if c0 > c1 || r0 > r1 {
            return;
        }
        for r in r0 as usize..=r1 as usize {
            let from = self.starts[r * self.columns + c0 as usize] as usize;
            let to = self.starts[r * self.columns + c1 as usize + 1] as usize;
            for &seat in &self.seats[from..to] {
                found(seat);
            }
        }
    }

    /// The seat nearest to a plan point within `reach`, among those `wanted`.
    #[must_use]
    pub fn nearest(
        &self,
        house: &House,
        x: f32,
        y: f32,
        reach: f32,
        wanted: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let mut best: Option<(f32, u32)> = None;
        let rect = Rect {
            x0: x - reach,
            y0: y - reach,
            x1: x + reach,
            y1: y + reach,
        };
        self.near(rect, |seat| {
            let (dx, dy) = (house.xs[seat as usize] - x, house.ys[seat as usize] - y);
            let d = dx * dx + dy * dy;
            let better =
                best.is_none_or(|(least, first)| d < least || (d == least && seat < first));
            if d <= reach * reach && better && wanted(seat) {
                best = Some((d, seat));
            }
        });
        best.map(|(_, seat)| seat)
    }

    /// The seat an arrow key leads to: the nearest one that lies more that way than sideways, where
    /// straying to the side counts double.
    #[must_use]
    pub fn step(
        house: &House,
        from: u32,
        direction: Direction,
        wanted: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let (x, y) = (*house.xs.get(from as usize)?, *house.ys.get(from as usize)?);
        let mut best: Option<(f32, u32)> = None;
        for (seat, (&sx, &sy)) in house.xs.iter().zip(&house.ys).enumerate() {
            let (dx, dy) = (sx - x, sy - y);
            let (along, across) = match direction {
                Direction::Left => (-dx, dy),
                Direction::Right => (dx, dy),
                Direction::Up => (-dy, dx),
                Direction::Down => (dy, dx),
            };
            if along <= 0.0 || across.abs() > along {
                continue;
            }
            let cost = along + 2.0 * across.abs();
            if best.is_none_or(|(least, _)| cost < least) && wanted(seat as u32) {
                best = Some((cost, seat as u32));
            }
        }
        best.map(|(_, seat)| seat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::tests::small;

    #[test]
    fn the_grid_finds_the_same_seat_as_looking_at_every_one() {
        let house = small();
        let grid = Grid::over(&house);
        let mut state = 1_u32;
        for _ in 0..500 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let x = (state >> 16) as f32 / 10.0 - 500.0;
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let y = (state >> 16) as f32 / 20.0 - 500.0;
            let reach = 160.0;
            let wanted = |seat: u32| !seat.is_multiple_of(7);
            let slow = (0..house.seat_count())
                .filter(|&s| wanted(s))
                .map(|s| {
                    (
                        (house.xs[s as usize] - x).powi(2) + (house.ys[s as usize] - y).powi(2),
                        s,
                    )
                })
                .filter(|(d, _)| *d <= reach * reach)
                .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
                .map(|(_, s)| s);
            assert_eq!(
                grid.nearest(&house, x, y, reach, wanted),
                slow,
                "at {x}, {y}"
            );
        }
    }

    #[test]
    fn arrows_walk_along_a_row_and_between_rows_and_across_blocks() {
        let house = small();
        let all = |_: u32| true;
        assert_eq!(Grid::step(&house, 5, Direction::Right, all), Some(6));
        assert_eq!(Grid::step(&house, 5, Direction::Left, all), Some(4));
        assert_eq!(Grid::step(&house, 5, Direction::Down, all), Some(35));
        assert_eq!(Grid::step(&house, 35, Direction::Up, all), Some(5));
        assert_eq!(Grid::step(&house, 29, Direction::Right, all), Some(600));
        assert_eq!(Grid::step(&house, 5, Direction::Up, all), None);
        assert_eq!(Grid::step(&house, 5, Direction::Right, |s| s != 6), Some(7));
    }

    #[test]
    fn a_house_without_seats_has_nothing_to_find() {
        let mut house = House::new();
        house.finish();
        let grid = Grid::over(&house);
        assert_eq!(grid.nearest(&house, 0.0, 0.0, 1e9, |_| true), None);
        assert_eq!(Grid::step(&house, 0, Direction::Up, |_| true), None);
    }

    #[test]
    fn two_seats_at_the_ends_of_the_world_do_not_make_a_huge_grid() {
        let mut house = House::new();
        house.begin_block("A", Vec::new(), (0.0, 0.0));
        house.begin_row("1");
        house.seat((0.0, 0.0), 0, Default::default(), "1");
        house.seat((1.0, 0.0), 0, Default::default(), "2");
        house.seat((2.0e9, 2.0e9), 0, Default::default(), "3");
        house.finish();
        let grid = Grid::over(&house);
        assert!(grid.starts.len() < 1_000);
        assert_eq!(grid.nearest(&house, 1.9e9, 1.9e9, 1e9, |_| true), Some(2));
    }
}

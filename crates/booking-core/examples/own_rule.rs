//! A ticket office of one's own in under forty lines: a house, a rule the core has not got, and
//! three fans who want seats. Run it with `cargo run -p booking-core --example own_rule`.

use booking_core::decide::Warning;
use booking_core::rule::{Choice, Rule};
use booking_core::terms::BookingRules;
use booking_core::test_support::{empty, house, place_hold, seats};
use booking_core::{Rejection, apply, decide_with};

/// Parties stay in one row.
struct OneRow;

impl Rule for OneRow {
    fn code(&self) -> &'static str {
        "one_row"
    }
    fn check(&self, choice: &Choice<'_>, _: &mut Vec<Warning>) -> Result<(), Rejection> {
        let mut rows = choice.seats.iter().map(|seat| choice.map.row_of(*seat));
        let same = rows.next().is_none_or(|first| rows.all(|row| row == first));
        same.then_some(()).ok_or_else(|| self.refuse(choice.seats))
    }
}

fn main() {
    let mut inventory = empty(&house(1, 10, 20), BookingRules::default());
    for (fan, chosen) in [(1, [4, 5]), (2, [5, 6]), (3, [19, 20])] {
        let command = place_hold(fan, fan, &seats(&chosen));
        match decide_with(&inventory, &command, 0, &[&OneRow]) {
            Ok(decision) => {
                // A real office makes the events durable first.
                for event in &decision.events {
                    apply(&mut inventory, event);
                }
                println!("fan {fan} holds seats {chosen:?}");
            }
            Err(no) => println!("fan {fan}: {no} ({})", no.code()),
        }
    }
}

//! What a fan asks for when paying, and everything that is checked before any money moves.

use super::error::CheckoutError;
use super::record::{Buyer, Checkout, Details};
use super::step::Step;
use crate::lane::Lanes;
use crate::payments::Card;
use crate::quoting::Promise;
use booking_core::price::{OrderItem, Place, Quote, VoucherUse};
use booking_core::{CommandId, FanId, HoldId, Inventory, OrderId, PerformanceId, Rejection, quote};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Longest name of a buyer, in characters.
const NAME_MOST: usize = 120;
/// Longest address (RFC 5321: 254 octets fit into a path).
const EMAIL_MOST: usize = 254;

/// A fan's wish to pay for a hold.
#[derive(Debug)]
pub struct Wanted {
    /// Names the wish.
    pub command: CommandId,
    /// Who pays.
    pub fan: FanId,
    /// For which performance.
    pub performance: PerformanceId,
    /// For which hold.
    pub hold: HoldId,
    /// Name of the order that comes of it.
    pub order: OrderId,
    /// The hold's places, each with its price type.
    pub items: Vec<OrderItem>,
    /// Voucher code as typed.
    pub voucher: Option<String>,
    /// What the quote promised.
    pub promise: Promise,
    /// Who buys.
    pub buyer: Buyer,
    /// With which card; none where nothing is to be paid.
    pub card: Option<Card>,
}

impl Buyer {
    /// What is wrong with it, each fault with its place below `at`.
    pub fn faults(&self, at: &str) -> Vec<(String, &'static str)> {
        let mut faults = Vec::new();
        let name = self.name.trim();
        if name.is_empty() {
            faults.push((format!("{at}.name"), "please write your name"));
        } else if name.chars().count() > NAME_MOST || name.chars().any(char::is_control) {
            faults.push((
                format!("{at}.name"),
                "a name is at most 120 characters on one line",
            ));
        }
        if !is_email(&self.email) {
            faults.push((
                format!("{at}.email"),
                "this is not an e-mail address; one looks like name@example.org",
            ));
        }
        faults
    }
}

/// Whether mail could be sent there as far as its looks tell. Only sending a mail tells more.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[]\\,;:\"@".contains(c);
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c == '-' || c.is_alphanumeric())
    };
    text.len() <= EMAIL_MOST
        && (1..=64).contains(&local.len())
        && local.chars().all(plain)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.contains('.')
        && domain.split('.').all(label)
}

impl Wanted {
    /// First 16 bytes of the hash of everything that is asked, to tell the same wish sent again
    /// from another one. Of the card only what is kept anyway goes in: a hash of its number could
    /// be turned back into the number by trying.
    #[must_use]
    pub fn content(&self) -> [u8; 16] {
        #[derive(Serialize)]
        struct Content<'a> {
            fan: FanId,
            performance: PerformanceId,
            hold: HoldId,
            order: OrderId,
            items: &'a [OrderItem],
            voucher: &'a Option<String>,
            promise: Promise,
            buyer: &'a Buyer,
            card: Option<&'a crate::payments::CardSummary>,
            expiry: Option<String>,
        }
        let content = Content {
            fan: self.fan,
            performance: self.performance,
            hold: self.hold,
            order: self.order,
            items: &self.items,
            voucher: &self.voucher,
            promise: self.promise,
            buyer: &self.buyer,
            card: self.card.as_ref().map(Card::summary),
            expiry: self.card.as_ref().map(Card::expiry),
        };
        let json = serde_json::to_vec(&content).expect("plain data can be written as JSON");
        let mut first = [0; 16];
        first.copy_from_slice(&Sha256::digest(&json)[..16]);
        first
    }

    /// A card is wanted where there is something to pay, and nowhere else.
    fn first_step(&self) -> Result<Step, CheckoutError> {
        let fault = |what: &str| {
            Err(CheckoutError::Malformed {
                at: "payment".to_owned(),
                what: what.to_owned(),
            })
        };
        match (self.promise.total_minor, &self.card) {
            (0, None) => Ok(Step::Granting),
            (0, Some(_)) => fault("nothing is to be paid: leave it out"),
            (_, Some(_)) => Ok(Step::Authorising),
            (_, None) => fault("there is something to pay: a card is wanted"),
        }
    }

    /// Checks the hold and the price, and makes a first attempt of it.
    pub(super) async fn check(
        self,
        lanes: &Lanes,
        content: [u8; 16],
        now_ms: i64,
    ) -> Result<(Checkout, Option<Card>), CheckoutError> {
        let step = self.first_step()?;
        // A promise that is too old no longer fixes the time at which vouchers are judged.
        let quoted_ms = if now_ms < self.promise.valid_until_ms {
            self.promise.quoted_ms
        } else {
            now_ms
        };
        let wish = Wish {
            fan: self.fan,
            hold: self.hold,
            items: self.items.clone(),
            voucher: self.voucher.clone(),
            quoted_ms,
            now_ms,
        };
        let wish = Arc::new(wish);
        let again = Arc::clone(&wish);
        let priced = lanes
            .read(self.performance, move |inventory, _| wish.price(inventory))
            .await?;
        let quote = match priced {
            Ok(quote) => quote,
            // The server that made the hold may have died a moment ago, before this one heard of it.
            Err(_) => lanes
                .read_anew(self.performance, move |inventory, _| again.price(inventory))
                .await?
                .map_err(CheckoutError::Rejected)?,
        };
        if quote.total_minor != self.promise.total_minor {
            return Err(CheckoutError::PriceChanged {
                quoted_minor: self.promise.total_minor,
                total_minor: quote.total_minor,
            });
        }
        let details = Details {
            items: self.items,
            voucher: self.voucher,
            quoted_ms,
            quote,
            buyer: Buyer {
                name: self.buyer.name.trim().to_owned(),
                email: self.buyer.email,
            },
            card: self.card.as_ref().map(|card| card.summary().clone()),
        };
        let checkout = Checkout {
            order: self.order,
            attempt: 1,
            command: self.command,
            content,
            performance: self.performance,
            hold: self.hold,
            fan: self.fan,
            created_ms: now_ms,
            details: Arc::new(details),
            step,
        };
        Ok((checkout, self.card))
    }
}

/// What is looked at in the inventory.
struct Wish {
    fan: FanId,
    hold: HoldId,
    items: Vec<OrderItem>,
    voucher: Option<String>,
    quoted_ms: i64,
    now_ms: i64,
}

impl Wish {
    /// What the hold costs, if it is this fan's, lives, and is what is to be paid for.
    fn price(&self, inventory: &Inventory) -> Result<Quote, Rejection> {
        let hold = inventory
            .hold(self.hold)
            .filter(|hold| hold.fan == self.fan && self.now_ms < hold.expires_ms)
            .ok_or(Rejection::NoSuchHold { hold: self.hold })?;
        let mut places: Vec<Place> = self.items.iter().map(|item| item.place).collect();
        places.sort_unstable();
        if places != hold.places {
            return Err(Rejection::ItemsDiffer);
        }
        let voucher = self.voucher.as_deref().map(|code| VoucherUse {
            code,
            orders_so_far: inventory.voucher_uses(code),
        });
        let prices = &inventory.terms().prices;
        quote(
            prices,
            inventory.map(),
            &self.items,
            voucher,
            self.quoted_ms,
        )
        .map_err(|reason| Rejection::NoQuote { reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_judged_by_its_looks() {
        for good in [
            "a@b.de",
            "first.last+tag@sub.example.org",
            "ü@bücher.example",
            "o'hara@x-y.ie",
        ] {
            assert!(is_email(good), "{good}");
        }
        let long = format!("{}@example.org", "a".repeat(65));
        for bad in [
            "", "a", "@b.de", "a@", "a@b", "a b@c.de", "a@b..de", "a@-b.de", "a@b.de\n", ".a@b.de",
            "a@b@c.de", "<a@b.de>", "a@b,de", &long,
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn every_fault_of_a_buyer_is_named_with_its_place() {
        let buyer = Buyer {
            name: "  ".to_owned(),
            email: "x".to_owned(),
        };
        let places: Vec<_> = buyer
            .faults("buyer")
            .into_iter()
            .map(|(at, _)| at)
            .collect();
        assert_eq!(places, ["buyer.name", "buyer.email"]);
        let buyer = Buyer {
            name: "a\nb".to_owned(),
            email: "x@y.de".to_owned(),
        };
        assert_eq!(buyer.faults("buyer").len(), 1);
    }
}

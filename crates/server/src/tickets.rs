//! A ticket's code: signed text that door staff check without a network, and its QR picture.
//!
//! `OS1.` and base64url of: ticket id (16 bytes), performance id (16), place (kind and index, 5),
//! Ed25519 signature (64) over everything before it and the prefix. The public key is all that a
//! scanner needs; whether a genuine ticket was cancelled or has been used is another question.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use booking_core::price::Place;
use booking_core::{AreaIx, PerformanceId, SeatIx, TicketId};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use fast_qr::{ECL, QRBuilder};
use std::fmt::Write as _;

const PREFIX: &str = "OS1.";
const CLAIMS: usize = 16 + 16 + 5;
const SIGNATURE: usize = 64;
/// White modules around a QR code, by its standard.
const QUIET: usize = 4;

/// What a code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketClaims {
    /// Which ticket.
    pub ticket: TicketId,
    /// For which performance.
    pub performance: PerformanceId,
    /// For which place.
    pub place: Place,
}

/// The key tickets are signed with.
#[derive(Clone)]
pub struct TicketKey(SigningKey);

impl std::fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TicketKey(***)")
    }
}

/// Checks codes. Holds no secret: may be given to anybody who stands at a door.
#[derive(Clone, Debug)]
pub struct TicketChecker(VerifyingKey);

/// The code is not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a genuine ticket")]
pub struct NotGenuine;

impl TicketKey {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&secret))
    }

    /// What checks the codes of this key.
    #[must_use]
    pub fn checker(&self) -> TicketChecker {
        TicketChecker(self.0.verifying_key())
    }

    /// The code of a ticket. The same ticket has the same code, always.
    #[must_use]
    pub fn code(&self, claims: TicketClaims) -> String {
        let mut bytes = claims.to_bytes().to_vec();
        let signature = self.0.sign(&signed(&bytes));
        bytes.extend_from_slice(&signature.to_bytes());
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl TicketChecker {
    /// The public key, for a scanner.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// What a genuine code says.
    pub fn check(&self, code: &str) -> Result<TicketClaims, NotGenuine> {
        let text = code.trim().strip_prefix(PREFIX).ok_or(NotGenuine)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotGenuine)?;
        if bytes.len() != CLAIMS + SIGNATURE {
            return Err(NotGenuine);
        }
        let (claims, signature) = bytes.split_at(CLAIMS);
        let signature = Signature::from_slice(signature).map_err(|_| NotGenuine)?;
        self.0
            .verify_strict(&signed(claims), &signature)
            .map_err(|_| NotGenuine)?;
        TicketClaims::from_bytes(claims).ok_or(NotGenuine)
    }
}

fn signed(claims: &[u8]) -> Vec<u8> {
    [b"onsale/ticket/", PREFIX.as_bytes(), claims].concat()
}

impl TicketClaims {
    fn to_bytes(self) -> [u8; CLAIMS] {
        let mut bytes = [0; CLAIMS];
        bytes[..16].copy_from_slice(self.ticket.as_bytes());
        bytes[16..32].copy_from_slice(self.performance.as_bytes());
        let (kind, index) = match self.place {
            Place::Seat(seat) => (0, seat.0),
            Place::Area(area) => (1, u32::from(area.0)),
        };
        bytes[32] = kind;
        bytes[33..].copy_from_slice(&index.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let index = u32::from_be_bytes(bytes.get(33..CLAIMS)?.try_into().ok()?);
        Some(Self {
            ticket: TicketId::from_bytes(bytes[..16].try_into().ok()?),
            performance: PerformanceId::from_bytes(bytes[16..32].try_into().ok()?),
            place: match bytes[32] {
                0 => Place::Seat(SeatIx(index)),
                1 => Place::Area(AreaIx(u16::try_from(index).ok()?)),
                _ => return None,
            },
        })
    }
}

/// A code as a picture: black on white whatever the page's colours, sharp at any size.
#[must_use]
pub fn qr_svg(code: &str) -> String {
    let qr = QRBuilder::new(code)
        .ecl(ECL::M)
        .build()
        .expect("a ticket's code is far shorter than the longest a QR code holds");
    let side = qr.size + 2 * QUIET;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\" role=\"img\" aria-label=\"Ticket code\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path fill=\"#000\" d=\""
    );
    for y in 0..qr.size {
        let row = &qr[y];
        let mut x = 0;
        while x < qr.size {
            let run = row[x..qr.size]
                .iter()
                .take_while(|module| module.value())
                .count();
            if run > 0 {
                // Writing to a string cannot fail.
                let _ = write!(svg, "M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET);
            }
            x += run.max(1);
        }
    }
    svg.push_str("\"/></svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(place: Place) -> TicketClaims {
        TicketClaims {
            ticket: TicketId::from_u128(7),
            performance: PerformanceId::from_u128(9),
            place,
        }
    }

    #[test]
    fn a_code_says_which_ticket_it_is_and_checks_with_the_public_key_alone() {
        let key = TicketKey::new([5; 32]);
        for place in [Place::Seat(SeatIx(70_000)), Place::Area(AreaIx(3))] {
            let code = key.code(claims(place));
            assert_eq!(key.checker().check(&code), Ok(claims(place)));
            assert!(code.len() < 150, "{}", code.len());
        }
    }

    #[test]
    fn a_code_altered_anywhere_or_signed_by_another_key_is_not_genuine() {
        let key = TicketKey::new([5; 32]);
        let code = key.code(claims(Place::Seat(SeatIx(1))));
        let bytes = URL_SAFE_NO_PAD.decode(&code[PREFIX.len()..]).unwrap();
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            let altered = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(altered));
            assert_eq!(key.checker().check(&altered), Err(NotGenuine), "byte {at}");
        }
        let other = TicketKey::new([6; 32]).code(claims(Place::Seat(SeatIx(1))));
        for rubbish in ["", "OS1.", "OS1.AAAA", &code[4..], &other] {
            assert_eq!(key.checker().check(rubbish), Err(NotGenuine), "{rubbish}");
        }
    }

    /// Paints the runs of the picture's black path, `scale` pixels a module.
    fn painted(svg: &str, scale: usize) -> (usize, Vec<bool>) {
        let side: usize = svg
            .split("viewBox=\"0 0 ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next())
            .unwrap()
            .parse()
            .unwrap();
        let path = svg
            .split("fill=\"#000\" d=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let width = side * scale;
        let mut pixels = vec![false; width * width];
        for run in path.split('M').filter(|run| !run.is_empty()) {
            let (at, rest) = run.split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            let run: usize = rest.split_once('v').unwrap().0.parse().unwrap();
            for py in y * scale..(y + 1) * scale {
                pixels[py * width + x * scale..py * width + (x + run) * scale].fill(true);
            }
        }
        (width, pixels)
    }

    #[test]
    fn the_picture_of_a_code_reads_as_the_code() {
        let key = TicketKey::new([5; 32]);
        let code = key.code(claims(Place::Seat(SeatIx(12_345))));
        let (width, pixels) = painted(&qr_svg(&code), 6);
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width, width, |x, y| {
            if pixels[y * width + x] { 0 } else { 255 }
        });
        let grids = picture.detect_grids();
        assert_eq!(grids.len(), 1);
        let (_, read) = grids[0].decode().unwrap();
        assert_eq!(read, code);
    }
}

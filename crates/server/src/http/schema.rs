//! Shapes on the wire that several endpoints share, and those of `booking_core`'s types in the OpenAPI
//! document: the core itself knows nothing of OpenAPI.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// RFC 9457 problem document. `code` is stable; the facts of a code are further members.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `/problems/{code}`
    pub r#type: String,
    /// For people, the same for every problem of a code.
    pub title: String,
    /// The status again.
    pub status: u16,
    /// For programs.
    pub code: String,
    /// For people, about this very request.
    pub detail: String,
}

/// Whether a performance can be bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SaleState {
    /// Not yet.
    Upcoming,
    /// Yes.
    OnSale,
    /// Every seat is sold.
    SoldOut,
    /// No longer.
    Over,
}

/// How many seats and area places are in which state.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// Can be held.
    pub open: u32,
    /// Held.
    pub held: u32,
    /// Sold.
    pub sold: u32,
    /// Not on sale.
    pub closed: u32,
}

/// A numbered seat or one place in an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Index of a seat in the seat map.
    Seat(u32),
    /// Index of an area in the seat map.
    Area(u16),
}

impl From<Place> for booking_core::price::Place {
    fn from(place: Place) -> Self {
        match place {
            Place::Seat(seat) => Self::Seat(booking_core::SeatIx(seat)),
            Place::Area(area) => Self::Area(booking_core::AreaIx(area)),
        }
    }
}

/// Which places a fan wants.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeatRequest {
    /// Exactly these.
    These(Vec<Place>),
    /// The best there is.
    BestAvailable(BestAvailable),
    /// Places in an area.
    GeneralAdmission(GeneralAdmission),
}

/// A wish for the best seats there are.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BestAvailable {
    /// How many, at least 1.
    pub quantity: u16,
    /// Price bands to look in; empty: all.
    #[serde(default)]
    pub bands: Vec<u8>,
    /// Refuse rather than split the party.
    #[serde(default)]
    pub together: bool,
}

/// A wish for places in an area.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GeneralAdmission {
    /// Which.
    pub area: u16,
    /// How many, at least 1.
    pub quantity: u16,
}

impl From<SeatRequest> for booking_core::SeatRequest {
    fn from(request: SeatRequest) -> Self {
        match request {
            SeatRequest::These(places) => Self::These(places.into_iter().map(Into::into).collect()),
            SeatRequest::BestAvailable(BestAvailable {
                quantity,
                bands,
                together,
            }) => {
                let bands = bands.into_iter().map(booking_core::BandIx).collect();
                Self::BestAvailable {
                    quantity,
                    bands,
                    together,
                }
            }
            SeatRequest::GeneralAdmission(GeneralAdmission { area, quantity }) => {
                Self::GeneralAdmission {
                    area: booking_core::AreaIx(area),
                    quantity,
                }
            }
        }
    }
}

/// Something worth saying that forbids nothing.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Warning {
    /// The choice strands lone seats.
    SingleSeatGap {
        /// The seats left alone.
        stranded: Vec<u32>,
    },
    /// The party was split.
    PartySplit {
        /// Into how many groups.
        groups: u16,
    },
    /// Part of the stage cannot be seen from there.
    RestrictedView {
        /// Which seats.
        seats: Vec<u32>,
    },
}

/// A point in hundredths of a plan unit.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// To the right.
    pub x: i32,
    /// Downwards.
    pub y: i32,
}

/// A seat map as JSON.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct SeatMap {
    /// Name of the plan.
    pub name: String,
    /// Content hash, in hexadecimal.
    pub version: String,
    /// Price bands, dearest first.
    pub bands: Vec<PriceBand>,
    /// Where people look.
    pub focal_point: Point,
    /// Sections with their rows and seats.
    pub sections: Vec<MapSection>,
    /// General-admission areas.
    pub areas: Vec<MapArea>,
    /// What is drawn beside the seats.
    pub shapes: Vec<MapShape>,
}

/// A class of seats sold at one price.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct PriceBand {
    /// What fans read.
    pub name: String,
}

/// A named part of the house.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct MapSection {
    /// What fans read.
    pub name: String,
    /// Outline; may be empty.
    pub outline: Vec<Point>,
    /// Where its name is drawn.
    pub label_at: Point,
    /// Rows, front to back.
    pub rows: Vec<MapRow>,
}

/// Seats one after another.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct MapRow {
    /// What fans read.
    pub name: String,
    /// Its seats.
    pub seats: Vec<MapSeat>,
}

/// A seat.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct MapSeat {
    /// Its index: what requests and feeds call it.
    pub seat: u32,
    /// Label within the row.
    pub label: String,
    /// Index of its price band.
    pub band: u8,
    /// Flags: 1 wheelchair, 2 companion, 4 restricted view, 8 extra legroom, 16 step-free.
    pub attributes: u8,
    /// Centre.
    pub at: Point,
    /// Whether the next seat of the row sits next to it.
    pub joined: bool,
}

/// Places without numbers.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct MapArea {
    /// What fans read.
    pub name: String,
    /// How many people it takes.
    pub capacity: u32,
    /// Index of its price band.
    pub band: u8,
    /// Outline.
    pub outline: Vec<Point>,
    /// Where its name is drawn.
    pub label_at: Point,
}

/// Something drawn that is not for sale.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct MapShape {
    /// `stage` or `decor`.
    pub kind: String,
    /// Its name; may be empty.
    pub text: String,
    /// Outline.
    pub outline: Vec<Point>,
    /// Where its name is drawn.
    pub label_at: Point,
}

/// How a performance is sold.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct SaleTerms {
    /// Limits and seat rules.
    #[schema(value_type = Object)]
    pub rules: serde_json::Value,
    /// Prices, fees and tax; `vouchers` is always empty here.
    #[schema(value_type = Object)]
    pub prices: serde_json::Value,
}

/// Every seat's status.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Seats {
    /// Ledger position.
    pub seq: u64,
    /// One digit a seat: 0 free, 1 held, 2 sold, 3 closed.
    pub seats: String,
    /// Places left in each area.
    pub areas_left: Vec<u32>,
}

/// What a visitor wants, said while waiting.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Wishes {
    /// How many places; 0: not said.
    pub places: u8,
    /// Only this price band.
    pub band: Option<u8>,
    /// Only next to each other.
    pub together: bool,
    /// At least one place for a wheelchair.
    pub accessible: bool,
}

/// A hold as its owner sees it.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Hold {
    /// Its id.
    pub hold: Uuid,
    /// What it claims, sorted.
    pub places: Vec<Place>,
    /// Instant of selection.
    pub placed_ms: i64,
    /// First instant at which it is no longer live.
    pub expires_ms: i64,
    /// Latest `expires_ms` it may ever get.
    pub max_expires_ms: i64,
}

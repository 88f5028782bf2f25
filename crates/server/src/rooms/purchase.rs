//! What an admission entitles to, and what goes beyond it.

use booking_core::price::Place;
use booking_core::{BandIx, SeatMap, SeatRequest};
use onsale_queue::Authority;
use onsale_queue::token::MAX_SEATS;
use onsale_queue::wire::Wishes;
use serde::{Deserialize, Serialize};

/// What may be bought with an admission. The default is whatever the performance allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = Authority)]
pub struct Purchase {
    /// Most places; 0: as many as the performance allows.
    pub max_places: u16,
    /// Only these price bands; empty: all.
    pub bands: Vec<u8>,
    /// Only these seats; empty: all.
    pub seats: Vec<u32>,
}

/// Beyond what an admission entitles to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// More places.
    MaxPlaces,
    /// Another price band.
    Bands,
    /// Another seat.
    Seats,
}

impl Beyond {
    /// The member of [`Purchase`] that it goes beyond.
    #[must_use]
    pub const fn limit(self) -> &'static str {
        match self {
            Self::MaxPlaces => "max_places",
            Self::Bands => "bands",
            Self::Seats => "seats",
        }
    }
}

impl From<&Purchase> for Authority {
    fn from(purchase: &Purchase) -> Self {
        Self {
            max_places: purchase.max_places,
            bands: purchase.bands.clone(),
            seats: purchase.seats.clone(),
        }
    }
}

impl From<&Authority> for Purchase {
    fn from(authority: &Authority) -> Self {
        Self {
            max_places: authority.max_places,
            bands: authority.bands.clone(),
            seats: authority.seats.clone(),
        }
    }
}

impl Purchase {
    /// What is wrong with it, with its place; it must fit into a token.
    #[must_use]
    pub fn fault(&self) -> Option<(&'static str, String)> {
        if self.seats.len() > MAX_SEATS {
            return Some(("seats", format!("at most {MAX_SEATS} seats can be named")));
        }
        if self.bands.len() > usize::from(u8::MAX) {
            return Some(("bands", "more bands than there can be".to_owned()));
        }
        None
    }

    /// Whether it limits nothing.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    fn within(&self, places: u32) -> Result<(), Beyond> {
        if self.max_places > 0 && places > u32::from(self.max_places) {
            return Err(Beyond::MaxPlaces);
        }
        Ok(())
    }

    fn band(&self, band: BandIx) -> Result<(), Beyond> {
        if self.bands.is_empty() || self.bands.contains(&band.0) {
            Ok(())
        } else {
            Err(Beyond::Bands)
        }
    }

    /// Whether what somebody wishes for may be had.
    pub fn grants(&self, wishes: Wishes) -> Result<(), Beyond> {
        self.within(wishes.places.into())?;
        wishes.band.map_or(Ok(()), |band| self.band(BandIx(band)))
    }

    /// Whether these places may be had, with `held` already. Places that do not exist are for the
    /// performance to refuse.
    pub fn allows(&self, places: &[Place], held: u32, map: &SeatMap) -> Result<(), Beyond> {
        self.within(held.saturating_add(u32::try_from(places.len()).unwrap_or(u32::MAX)))?;
        for place in places {
            match *place {
                Place::Seat(seat) => {
                    if !self.seats.is_empty() && !self.seats.contains(&seat.0) {
                        return Err(Beyond::Seats);
                    }
                    if map.has_seat(seat) {
                        self.band(map.band(seat))?;
                    }
                }
                Place::Area(area) => {
                    if !self.seats.is_empty() {
                        return Err(Beyond::Seats);
                    }
                    if let Some(area) = map.area(area) {
                        self.band(area.band)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The request as far as it may go: a search for the best keeps to the bands that are allowed.
    pub fn limit(
        &self,
        request: SeatRequest,
        held: u32,
        map: &SeatMap,
    ) -> Result<SeatRequest, Beyond> {
        match request {
            SeatRequest::These(places) => {
                self.allows(&places, held, map)?;
                Ok(SeatRequest::These(places))
            }
            SeatRequest::GeneralAdmission { area, quantity } => {
                self.within(held.saturating_add(quantity.into()))?;
                self.allows(&[Place::Area(area)], 0, map)?;
                Ok(SeatRequest::GeneralAdmission { area, quantity })
            }
            SeatRequest::BestAvailable {
                quantity,
                bands,
                together,
            } => {
                self.within(held.saturating_add(quantity.into()))?;
                if !self.seats.is_empty() {
                    return Err(Beyond::Seats);
                }
                for band in &bands {
                    self.band(*band)?;
                }
                let bands = if bands.is_empty() {
                    self.bands.iter().copied().map(BandIx).collect()
                } else {
                    bands
                };
                Ok(SeatRequest::BestAvailable {
                    quantity,
                    bands,
                    together,
                })
            }
        }
    }
}

//! The demo: a season in houses of our own making, so that a newcomer sees the product alive.

pub mod fans;
pub mod operator;
pub mod poster;
pub mod room;
pub mod rush;
pub mod season;
pub mod venue;

use crate::catalogue::{Catalogue, CatalogueError, NewPerformance, Venue};
use booking_core::PerformanceId;
use season::{House, TIME_ZONE};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use uuid::Uuid;

/// How the demo is filled.
#[derive(Clone, Copy, Debug, Default)]
pub struct DemoOptions {
    /// How long a hold lasts, in ms; the demo's ten minutes where not given.
    pub hold_ttl_ms: Option<i64>,
    /// No performance has simulated fans, whatever the season says.
    pub without_fans: bool,
    /// So many more performances in the theatre, all on sale: for measuring.
    pub more: u32,
}

/// Why the demo could not be filled in.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A recipe in `assets/venues/` is wrong.
    #[error(transparent)]
    Recipe(#[from] venue::RecipeError),
    /// The catalogue refused a venue or a performance.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

/// Fills a catalogue with the season as of `now_ms`; returns the performances added, soonest first.
pub async fn fill(
    catalogue: &Catalogue,
    now_ms: i64,
    options: DemoOptions,
) -> Result<Vec<(PerformanceId, String)>, DemoError> {
    let mut shows = season::season(now_ms, options.hold_ttl_ms)?;
    catalogue.mark_demo().await?;
    shows.sort_by_key(|show| show.starts_at_ms);
    let mut venues: HashMap<&'static str, Uuid> = HashMap::new();
    let mut added = Vec::with_capacity(shows.len());
    let repeated = shows
        .iter()
        .find(|show| show.house == House::Theatre && show.terms.rules.on_sale_from_ms <= now_ms);
    let repeated = repeated.cloned();
    for show in shows {
        let (name, _) = show.house.name();
        let venue = if let Some(&venue) = venues.get(name) {
            venue
        } else {
            let venue = venue_of(show.house);
            let id = venue.id;
            catalogue.add_venue(venue).await?;
            venues.insert(name, id);
            id
        };
        let id = PerformanceId::from(named("performance", show.title));
        catalogue
            .add_performance(NewPerformance {
                id,
                title: show.title.to_owned(),
                subtitle: show.subtitle.to_owned(),
                description: show.description.to_owned(),
                genre: show.genre.to_owned(),
                venue,
                starts_at_ms: show.starts_at_ms,
                doors_at_ms: show.doors_at_ms,
                map: show.map.as_ref().clone(),
                terms: show.terms,
                poster_svg: show.poster_svg,
                simulated_fans: show.simulated_fans && !options.without_fans,
            })
            .await?;
        added.push((id, show.title.to_owned()));
    }
    if let Some(show) = repeated {
        let venue = venues[show.house.name().0];
        for number in 1..=options.more {
            let title = format!("{}, evening {number}", show.title);
            let id = PerformanceId::from(named("performance", &title));
            let later_ms = i64::from(number) * 60_000;
            catalogue
                .add_performance(NewPerformance {
                    id,
                    title: title.clone(),
                    subtitle: show.subtitle.to_owned(),
                    description: show.description.to_owned(),
                    genre: show.genre.to_owned(),
                    venue,
                    starts_at_ms: show.starts_at_ms + later_ms,
                    doors_at_ms: show.doors_at_ms + later_ms,
                    map: show.map.as_ref().clone(),
                    terms: show.terms.clone(),
                    poster_svg: show.poster_svg.clone(),
                    simulated_fans: false,
                })
                .await?;
            added.push((id, title));
        }
    }
    Ok(added)
}

fn venue_of(house: House) -> Venue {
    let (name, city) = house.name();
    Venue {
        id: named("venue", name),
        name: name.to_owned(),
        city: city.to_owned(),
        time_zone: TIME_ZONE.to_owned(),
    }
}

/// The demo's ids come from names, so that an address noted down yesterday still leads there.
pub(crate) fn named(kind: &str, name: &str) -> Uuid {
    let digest = Sha256::new()
        .chain_update(b"onsale/demo/")
        .chain_update(kind)
        .chain_update(b"/")
        .chain_update(name)
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

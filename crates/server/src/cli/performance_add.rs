//! `onsale performance add`

use super::{Data, performance_terms, plan};
use crate::catalogue::{Catalogue, NewPerformance, Venue, hex};
use crate::clock::random_bytes;
use anyhow::{Context, bail, ensure};
use booking_core::price::{PriceType, Rounding, Tax, TaxMode};
use booking_core::terms::BookingRules;
use booking_core::{PerformanceId, PriceList, SaleTerms, SeatMap};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::path::PathBuf;
use std::process::ExitCode;
use uuid::Uuid;

/// Put a performance on sale
///
/// The house comes from --plan or --map, the price of each band from --prices or everything about
/// the sale from --terms. Times are local to the venue.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("house").required(true).args(["plan", "map"]))]
#[command(group = clap::ArgGroup::new("sale").required(true).args(["prices", "terms"]))]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
    /// What fans read first
    #[arg(long)]
    title: String,
    /// One line below it
    #[arg(long, default_value = "")]
    subtitle: String,
    /// Some paragraphs
    #[arg(long, default_value = "")]
    description: String,
    /// "Theatre", "Concert"
    #[arg(long, default_value = "")]
    genre: String,
    /// Name of the venue; a new one needs --city and --time-zone
    #[arg(long)]
    venue: String,
    /// City of a new venue
    #[arg(long)]
    city: Option<String>,
    /// Time zone of a new venue, an IANA name such as Europe/Berlin
    #[arg(long)]
    time_zone: Option<String>,
    /// When it begins: 2027-03-01T19:30
    #[arg(long, value_name = "TIME")]
    starts: DateTime,
    /// When doors open; an hour before where not given
    #[arg(long, value_name = "TIME")]
    doors: Option<DateTime>,
    /// When the sale begins; at once where not given
    #[arg(long, value_name = "TIME")]
    sale_from: Option<DateTime>,
    /// Seating plan of the house (pretix JSON)
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Version of a map imported before, or its beginning
    #[arg(long, value_name = "VERSION")]
    map: Option<String>,
    /// Price of each band, dearest first, in the currency's minor unit: 4500,3500,1900
    #[arg(long, value_name = "MINOR", value_delimiter = ',')]
    prices: Vec<i64>,
    /// Currency of --prices
    #[arg(long, default_value = "EUR")]
    currency: String,
    /// Digits after the point of that currency
    #[arg(long, default_value_t = 2)]
    minor_digits: u8,
    /// The whole sale as JSON, as `GET /performances/{id}/terms` shows it
    #[arg(long, value_name = "FILE")]
    terms: Option<PathBuf>,
    /// Poster, an SVG file; a plain one is drawn where not given
    #[arg(long, value_name = "FILE")]
    poster: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    // What needs no data folder first: a fault in the arguments must not leave a half-made one.
    let planned = match &args.plan {
        None => None,
        Some(file) => match plan::load(file)? {
            Ok(imported) => Some(imported.map),
            Err(faults) => {
                plan::refuse(file, &faults);
                return Ok(ExitCode::FAILURE);
            }
        },
    };
    let poster = match &args.poster {
        None => plain_poster(&args.title),
        Some(file) => read(file)?,
    };
    ensure!(poster.contains("<svg"), "the poster is no SVG document");
    let office = super::open(&args.data, true).await?;
    let added = add(&args, &office.catalogue, planned, poster).await;
    office.close().await;
    let (id, version) = added?;
    if args.json {
        println!(
            "{}",
            serde_json::json!({ "id": id, "map_version": version })
        );
    } else {
        println!("{id}  {}", args.title);
    }
    Ok(ExitCode::SUCCESS)
}

async fn add(
    args: &Args,
    catalogue: &Catalogue,
    planned: Option<SeatMap>,
    poster_svg: String,
) -> anyhow::Result<(PerformanceId, String)> {
    let map = match (planned, &args.map) {
        (Some(map), _) => map,
        (None, Some(version)) => find_map(catalogue, version).await?,
        (None, None) => bail!("a house is needed: --plan or --map"),
    };
    let (venue, is_new) = venue(args, catalogue).await?;
    let zone = TimeZone::get(&venue.time_zone)
        .with_context(|| format!("{} is not a time zone", venue.time_zone))?;
    let instant = |time: DateTime| -> anyhow::Result<i64> {
        let zoned = time.to_zoned(zone.clone());
        Ok(zoned
            .with_context(|| format!("{time} does not exist there"))?
            .timestamp()
            .as_millisecond())
    };
    let starts_at_ms = instant(args.starts)?;
    let doors_at_ms = args.doors.map_or(Ok(starts_at_ms - 3_600_000), instant)?;
    ensure!(doors_at_ms <= starts_at_ms, "--doors is after --starts");
    let mut terms = terms(args, &map)?;
    if args.terms.is_none() {
        terms.rules.on_sale_from_ms = args.sale_from.map_or(Ok(0), instant)?;
        terms.rules.on_sale_until_ms = starts_at_ms;
    }
    if is_new {
        catalogue
            .add_venue(venue.clone())
            .await
            .context("the venue could not be written")?;
    }
    let version = hex(&map.version().0);
    let id = PerformanceId::from(new_id());
    let new = NewPerformance {
        id,
        title: args.title.clone(),
        subtitle: args.subtitle.clone(),
        description: args.description.clone(),
        genre: args.genre.clone(),
        venue: venue.id,
        starts_at_ms,
        doors_at_ms,
        map,
        terms,
        poster_svg,
        simulated_fans: false,
    };
    catalogue
        .add_performance(new)
        .await
        .context("the performance was not added")?;
    Ok((id, version))
}

async fn find_map(catalogue: &Catalogue, version: &str) -> anyhow::Result<SeatMap> {
    let known = catalogue.map_versions().await?;
    let mut found = known
        .iter()
        .filter(|known| hex(&known.0).starts_with(version));
    match (found.next(), found.next()) {
        (Some(one), None) => {
            let map = catalogue.seat_map(*one).await?;
            Ok(SeatMap::clone(&*map.context("the map is gone")?))
        }
        (None, _) => bail!("there is no map {version}: `onsale plan import FILE` makes one"),
        (Some(_), Some(_)) => bail!("several maps begin with {version}: give more of it"),
    }
}

/// The venue of that name, or a new one (`true`).
async fn venue(args: &Args, catalogue: &Catalogue) -> anyhow::Result<(Venue, bool)> {
    let there = catalogue
        .venues()
        .await?
        .into_iter()
        .find(|venue| venue.name == args.venue);
    if let Some(venue) = there {
        return Ok((venue, false));
    }
    let (Some(city), Some(time_zone)) = (args.city.clone(), args.time_zone.clone()) else {
        bail!(
            "there is no venue {:?} yet: a new one needs --city and --time-zone",
            args.venue
        );
    };
    Ok((
        Venue {
            id: new_id(),
            name: args.venue.clone(),
            city,
            time_zone,
        },
        true,
    ))
}

fn terms(args: &Args, map: &SeatMap) -> anyhow::Result<SaleTerms> {
    if let Some(file) = &args.terms {
        return performance_terms::read(file);
    }
    let bands = map.bands().len();
    ensure!(
        args.prices.len() == bands,
        "--prices has {} prices, the house has {bands} bands: {}",
        args.prices.len(),
        map.bands()
            .iter()
            .map(|band| band.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    );
    let prices = PriceList {
        currency: args.currency.clone(),
        minor_digits: args.minor_digits,
        types: vec![PriceType {
            name: "Full".to_owned(),
            note: String::new(),
        }],
        amounts: args.prices.iter().map(|price| vec![Some(*price)]).collect(),
        fees: Vec::new(),
        tax: Tax {
            mode: TaxMode::Inclusive,
            rate_ppm: 0,
            rounding: Rounding::HalfUpPerLine,
        },
        vouchers: Vec::new(),
    };
    Ok(SaleTerms {
        rules: BookingRules::default(),
        prices,
    })
}

fn read(file: &PathBuf) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("{} could not be read", file.display()))
}

fn plain_poster(title: &str) -> String {
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 800"><rect width="600" height="800" fill="#1d2b3a"/><circle cx="300" cy="300" r="170" fill="#e8b44c"/><text x="300" y="640" font-family="sans-serif" font-size="44" text-anchor="middle" fill="#fff" textLength="520" lengthAdjust="spacingAndGlyphs">{title}</text></svg>"##
    )
}

fn new_id() -> Uuid {
    uuid::Builder::from_random_bytes(random_bytes()).into_uuid()
}

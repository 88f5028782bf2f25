//! Categories become price bands: those that are used, in the order in which they are declared.

use super::Mending;
use crate::import::plan::Plan;
use crate::import::report::{RepairKind, Report};
use crate::seatmap::{BANDS_MAX, NAME_BYTES_MAX, PriceBand};
use alloc::{borrow::Cow, collections::BTreeMap, format, string::String, vec::Vec};

/// What the band of seats without category is called.
const MISSING: &str = "Uncategorised";

/// The categories that are used, by name.
pub(super) struct Bands<'a> {
    names: Vec<Cow<'a, str>>,
    bands: BTreeMap<Cow<'a, str>, u8>,
}

/// How a category is used.
struct Use {
    declared: Option<usize>,
    places: u32,
    /// First place that names it.
    first: String,
}

impl<'a> Bands<'a> {
    pub(super) fn gather(plan: &Plan<'a>, report: &mut Report) -> Self {
        let mut uses: BTreeMap<Cow<'a, str>, Use> = BTreeMap::new();
        for (i, name) in plan.categories.iter().enumerate() {
            let at = format!("categories[{i}]");
            if uses.contains_key(name) {
                let what = format_args!("category {name:?} is declared already; the two are one");
                report.repair(RepairKind::RepeatedCategory, at, what);
            } else {
                uses.insert(
                    name.clone(),
                    Use {
                        declared: Some(i),
                        places: 0,
                        first: at,
                    },
                );
            }
        }
        let mut undeclared = plan.categories.len();
        let mut order: Vec<(usize, Cow<'a, str>)> = Vec::new();
        each_use(plan, |category, at| {
            let name = category.cloned().unwrap_or_default();
            let entry = uses.entry(name.clone()).or_insert_with(|| Use {
                declared: None,
                places: 0,
                first: at(),
            });
            if entry.places == 0 {
                let rank = entry.declared.unwrap_or_else(|| {
                    undeclared += 1;
                    undeclared
                });
                order.push((rank, name));
            }
            entry.places += 1;
        });
        order.sort_unstable();
        let names: Vec<Cow<'a, str>> = order.into_iter().map(|(_, name)| name).collect();
        tell(&uses, report);
        if names.len() > BANDS_MAX {
            let what = format_args!(
                "{} categories are used; at most {BANDS_MAX} fit",
                names.len()
            );
            report.fault("categories", what);
        }
        let bands = names
            .iter()
            .cloned()
            .zip((0..=u8::MAX).chain(core::iter::repeat(0)))
            .collect();
        Self { names, bands }
    }

    /// The band of places of a category.
    pub(super) fn of(&self, category: Option<&Cow<'a, str>>) -> u8 {
        let name = category.map_or("", |name| name);
        self.bands.get(name).copied().unwrap_or(0)
    }

    pub(super) fn specs(&self, mending: &mut Mending<'_>) -> Vec<PriceBand> {
        mending.summary.bands = self.names.len() as u32;
        let spec = |name: &Cow<'a, str>| PriceBand {
            name: match &**name {
                "" => MISSING.into(),
                name => mending.fit(name, NAME_BYTES_MAX, "categories"),
            },
        };
        self.names.iter().map(spec).collect()
    }
}

/// Calls back with the category and place of everything that is sold.
fn each_use<'p, 'a: 'p>(
    plan: &'p Plan<'a>,
    mut each: impl FnMut(Option<&'p Cow<'a, str>>, &dyn Fn() -> String),
) {
    for zone in &plan.zones {
        for row in &zone.rows {
            for seat in &row.seats {
                let (zone, row, ix) = (zone.index, row.index, seat.index);
                each(seat.category.as_ref(), &|| {
                    format!("zones[{zone}].rows[{row}].seats[{ix}]")
                });
            }
        }
        for area in zone
            .areas
            .iter()
            .filter(|area| area.capacity.is_some_and(|places| places > 0))
        {
            let at = || format!("zones[{}].areas[{}]", zone.index, area.index);
            each(area.category.as_ref(), &at);
        }
    }
    for standing in plan
        .standing
        .iter()
        .filter(|standing| standing.capacity > 0)
    {
        each(standing.category.as_ref(), &|| standing.at.clone());
    }
}

fn tell(uses: &BTreeMap<Cow<'_, str>, Use>, report: &mut Report) {
    for (name, used) in uses {
        let Use {
            declared,
            places,
            first,
        } = used;
        if *places == 0 {
            let what = format_args!("category {name:?} is not used; left out");
            report.repair(RepairKind::UnusedCategory, first, what);
        } else if name.is_empty() {
            let what = format_args!("{places} seats or areas have no category; called {MISSING:?}");
            report.repair(RepairKind::MissingCategory, first, what);
        } else if declared.is_none() {
            let what =
                format_args!("category {name:?} of {places} seats or areas is not declared; added");
            report.repair(RepairKind::UndeclaredCategory, first, what);
        }
    }
}

//! Which page an address leads to, and the parts of it that are names of things.

use std::sync::Arc;

use leptos::prelude::*;

use super::use_way;
use crate::pages::not_found::NotFound;

/// A kind of address and its page: `/performances/:id` has one part that names a thing.
pub(crate) struct Route {
    pub(crate) pattern: &'static str,
    pub(crate) page: fn() -> AnyView,
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

fn fits(pattern: &str, path: &str) -> bool {
    let mut given = parts(path);
    for wanted in parts(pattern) {
        if wanted == "*" {
            return true;
        }
        match given.next() {
            Some(part) if wanted.starts_with(':') || wanted == part => {}
            _ => return false,
        }
    }
    given.next().is_none()
}

/// The first route that the path fits.
pub(super) fn find(routes: &[Route], path: &str) -> Option<usize> {
    routes.iter().position(|route| fits(route.pattern, path))
}

/// The part of the path that stands where the pattern has `:name`.
fn part<'a>(pattern: &str, path: &'a str, name: &str) -> Option<&'a str> {
    if !fits(pattern, path) {
        return None;
    }
    let at = parts(pattern).position(|part| part.strip_prefix(':') == Some(name))?;
    parts(path).nth(at)
}

/// Of which pattern the shown page is.
#[derive(Clone, Copy)]
struct Shown(&'static str);

/// The part of the address that the page's pattern calls `:name`, as `T`; nothing where it is none.
/// It stays as it was while the reader leaves the page.
pub(crate) fn use_part<T>(name: &'static str) -> Memo<Option<T>>
where
    T: std::str::FromStr + Clone + PartialEq + Send + Sync + 'static,
{
    let way = use_way();
    let Shown(pattern) = expect_context();
    Memo::new(move |before: Option<&Option<T>>| {
        let path = way.path();
        if !fits(pattern, &path) {
            return before.cloned().flatten();
        }
        part(pattern, &path, name)?.parse().ok()
    })
}

/// The page of the address. One route's page stays while its parts change.
#[component]
pub(crate) fn Routes() -> impl IntoView {
    let way = use_way();
    let found = Memo::new(move |_| {
        let path: Arc<str> = way.path();
        find(way.routes, &path)
    });
    move || match found.get().and_then(|n| way.routes.get(n)) {
        Some(route) => {
            provide_context(Shown(route.pattern));
            (route.page)()
        }
        None => view! { <NotFound/> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_a_pattern_part_by_part() {
        assert!(fits("/", "/"));
        assert!(fits("/performances/:id", "/performances/7/"));
        assert!(!fits("/performances/:id", "/performances"));
        assert!(!fits("/performances/:id", "/performances/7/checkout/8"));
        assert!(!fits("/", "/tickets"));
        assert!(fits("/operator/*", "/operator"));
        assert!(fits("/operator/*", "/operator/rooms/7"));
        assert!(!fits("/operator/*", "/operators"));
    }

    #[test]
    fn named_parts_are_found_where_the_pattern_has_them() {
        let pattern = "/performances/:id/checkout/:hold";
        let path = "/performances/7/checkout/8";
        assert_eq!(part(pattern, path, "id"), Some("7"));
        assert_eq!(part(pattern, path, "hold"), Some("8"));
        assert_eq!(part(pattern, path, "order"), None);
        assert_eq!(part(pattern, "/performances/7", "id"), None);
    }
}

//! Every route there is, grouped by who calls it. Routes of the API are added with `routes!`, which
//! puts them into the OpenAPI document by the same line.

use super::problem::ApiError;
use super::state::AppState;
use super::{
    accounts, accounts_admin, accounts_sessions, checkout, demo, holds, house, operations,
    operator, orders, performances, quote, rooms, sales, seats, tickets, webhook,
};
use axum::Router;
use axum::http::{HeaderMap, Method, Uri};
use utoipa::openapi::{InfoBuilder, License, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What is sold: read by everybody, the same for all.
fn catalogue() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(performances::list))
        .routes(routes!(performances::show))
        .routes(routes!(house::map))
        .routes(routes!(house::terms))
        .routes(routes!(house::poster))
}

/// Seats as they go: snapshot and feed.
fn live() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(seats::snapshot))
        .routes(routes!(seats::feed))
}

/// A fan choosing and holding seats.
fn holding() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(holds::place::place, holds::read::list))
        .routes(routes!(
            holds::change::change,
            holds::release::release,
            holds::read::show
        ))
        .routes(routes!(holds::extend::extend))
}

/// A fan paying, and what they bought.
fn buying() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(quote::quote))
        .routes(routes!(checkout::checkout))
        .routes(routes!(orders::list))
        .routes(routes!(orders::show))
        .routes(routes!(orders::step))
        .routes(routes!(tickets::show))
        .routes(routes!(tickets::qr))
}

/// Somebody signing in and out.
fn accounts() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(accounts::register, accounts_admin::list))
        .routes(routes!(accounts_admin::change))
        .routes(routes!(accounts_admin::sign_out))
        .routes(routes!(accounts_admin::reset_password))
        .routes(routes!(accounts::show))
        .routes(routes!(accounts::change_password))
        .routes(routes!(
            accounts_sessions::sign_in,
            accounts_sessions::sign_out_everywhere
        ))
        .routes(routes!(accounts_sessions::sign_out))
}

/// A newcomer trying the demo.
fn demo() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(demo::switch_fans))
}

/// A visitor before a waiting room.
fn waiting() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(rooms::read::keys))
        .routes(routes!(rooms::read::show))
        .routes(routes!(rooms::read::challenge))
        .routes(routes!(rooms::place::join))
        .routes(routes!(rooms::place::standing))
        .routes(routes!(rooms::place::wish))
        .routes(routes!(rooms::enter::claim))
        .routes(routes!(rooms::enter::presence))
        .routes(routes!(rooms::enter::leave))
        .routes(routes!(
            rooms::rush::start,
            rooms::rush::show,
            rooms::rush::stop
        ))
}

/// Whoever runs a sale. Each handler demands the role.
fn selling() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(sales::sales))
}

/// An operator running waiting rooms. Each handler demands the role.
fn operating() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(operator::rooms::list, operator::rooms::make))
        .routes(routes!(operator::rooms::removed))
        .routes(routes!(
            operator::rooms::show,
            operator::rooms::change,
            operator::rooms::remove
        ))
        .routes(routes!(
            operator::rooms::protect,
            operator::rooms::unprotect
        ))
        .routes(routes!(operator::actions::act))
        .routes(routes!(operator::codes::list, operator::codes::issue))
        .routes(routes!(operator::codes::withdraw))
        .routes(routes!(operator::watch::figures))
        .routes(routes!(operator::watch::log))
        .routes(routes!(operator::watch::inside))
        .routes(routes!(operator::watch::feed))
}

/// The payment provider.
fn provider() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(webhook::notice))
}

/// The public API with its description. Paths are written out in full: nesting would rewrite the
/// address of every request on its way in.
pub fn api() -> (Router<AppState>, OpenApi) {
    let info = InfoBuilder::new()
        .title("Onsale")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Seats, holds and tickets. Money is in minor units, instants in ms since the Unix \
             epoch; errors are problem documents (RFC 9457) with a stable `code`.",
        ))
        .license(Some(License::new("MIT OR Apache-2.0")));
    OpenApiRouter::with_openapi(OpenApiBuilder::new().info(info).build())
        .merge(catalogue())
        .merge(live())
        .merge(holding())
        .merge(buying())
        .merge(accounts())
        .merge(demo())
        .merge(waiting())
        .merge(selling())
        .merge(operating())
        .merge(provider())
        .split_for_parts()
}

/// Everything the server answers to.
pub fn router(state: AppState) -> Router {
    let (api, description) = api();
    let fallback = {
        let state = state.clone();
        move |method: Method, uri: Uri, headers: HeaderMap| async move {
            state.web.answer(&method, &uri, &headers)
        }
    };
    api.merge(operations::routes(&description))
        .fallback(fallback)
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .with_state(state)
}

//! A shop to send requests to, and the fans who send them.

use crate::support::NOW_MS;
#[cfg(feature = "postgres")]
use crate::support::postgres::Database;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use booking_core::PerformanceId;
use bytes::Bytes;
use onsale_server::accounts::HashCost;
use onsale_server::app::{App, AppOptions};
use onsale_server::catalogue::{NewPerformance, Venue};
use onsale_server::clock::Clock;
use onsale_server::http::{Edge, Settings};
#[cfg(any(feature = "redis", feature = "postgres"))]
use onsale_server::keys::beside;
#[cfg(feature = "postgres")]
use onsale_server::store::PostgresStore;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;
#[cfg(feature = "postgres")]
use std::sync::Arc;
use std::sync::Mutex;
use tempfile::TempDir;
use uuid::Uuid;

/// Passwords are hashed with as little work as there can be: these tests are not about that.
pub(super) const CHEAP: HashCost = HashCost {
    memory_kib: 64,
    passes: 1,
    lanes: 1,
};

/// The performance of every test: 10 rows of 10 seats and 20 places to stand.
pub(super) const SHOW: Uuid = Uuid::from_u128(0x5e47);

pub(super) struct Shop {
    pub(super) app: App,
    pub(super) edge: Edge,
    pub(super) clock: Clock,
    dir: TempDir,
    #[cfg(feature = "postgres")]
    database: Option<Arc<Database>>,
}

impl Shop {
    pub(super) async fn open() -> Self {
        Self::with(Settings {
            rate: None,
            ..Settings::default()
        })
        .await
    }

    pub(super) async fn with(settings: Settings) -> Self {
        let shop = Self::at(tempfile::tempdir().unwrap(), settings).await;
        shop.fill().await;
        shop
    }

    /// The same folder under a new program.
    pub(super) async fn restarted(self) -> Self {
        let Self { app, edge, dir, .. } = self;
        let settings = edge.settings().clone();
        drop(edge);
        app.drain().await;
        app.close().await;
        Self::at(dir, settings).await
    }

    /// With rooms and their limits as they are told; `options` gets the manual clock it runs on.
    pub(super) async fn opened(
        settings: Settings,
        options: impl FnOnce(&Clock) -> AppOptions,
    ) -> Self {
        let shop = Self::at_with(tempfile::tempdir().unwrap(), settings, options).await;
        shop.fill().await;
        shop
    }

    async fn at(dir: TempDir, settings: Settings) -> Self {
        Self::at_with(dir, settings, |_| AppOptions::default()).await
    }

    async fn at_with(
        dir: TempDir,
        settings: Settings,
        options: impl FnOnce(&Clock) -> AppOptions,
    ) -> Self {
        let clock = Clock::manual(NOW_MS);
        let options = AppOptions {
            clock: clock.clone(),
            hash_cost: CHEAP,
            ..options(&clock)
        };
        let app = App::open(dir.path(), options).await.unwrap();
        let edge = app.edge(settings);
        Self {
            app,
            edge,
            clock,
            dir,
            #[cfg(feature = "postgres")]
            database: None,
        }
    }

    /// A server by the machine's own clock, with rooms and limits as it is told; on the database and
    /// with the keys of another one, where there is one.
    #[cfg(feature = "redis")]
    pub(super) async fn sharing(options: AppOptions, with: Option<&Self>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = AppOptions {
            hash_cost: CHEAP,
            ..options
        };
        let clock = options.clock.clone();
        let app = match with {
            None => App::open(dir.path(), options).await.unwrap(),
            Some(other) => {
                let options = AppOptions {
                    keys: Some(beside(other.path())),
                    ..options
                };
                let store = other.app.services().store.clone();
                App::on(dir.path(), store, options).await.unwrap()
            }
        };
        let edge = app.edge(Settings {
            rate: None,
            ..Settings::default()
        });
        let shop = Self {
            app,
            edge,
            clock,
            dir,
            #[cfg(feature = "postgres")]
            database: None,
        };
        if with.is_none() {
            shop.fill().await;
        }
        shop
    }

    /// On a PostgreSQL database of its own.
    #[cfg(feature = "postgres")]
    pub(super) async fn on_postgres() -> Self {
        let database = Arc::new(Database::fresh().await);
        let shop = Self::server_of(database, Clock::manual(NOW_MS), None).await;
        shop.fill().await;
        shop
    }

    /// Another server with the database, the keys and the time of this one, which is on PostgreSQL.
    #[cfg(feature = "postgres")]
    pub(super) async fn beside(&self) -> Self {
        let database = self.database.clone().unwrap();
        Self::server_of(database, self.clock.clone(), Some(beside(self.path()))).await
    }

    #[cfg(feature = "postgres")]
    async fn server_of(
        database: Arc<Database>,
        clock: Clock,
        keys: Option<std::path::PathBuf>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = AppOptions {
            clock: clock.clone(),
            hash_cost: CHEAP,
            keys,
            ..AppOptions::default()
        };
        let store = database.connect().await;
        Self::on_store(dir, store, options, Some(database)).await
    }

    /// On a PostgreSQL that is connected to already, with nothing in it.
    #[cfg(feature = "postgres")]
    pub(super) async fn on(store: PostgresStore) -> Self {
        let options = AppOptions {
            hash_cost: CHEAP,
            ..AppOptions::default()
        };
        let dir = tempfile::tempdir().unwrap();
        let shop = Self::on_store(dir, store, options, None).await;
        shop.fill().await;
        shop
    }

    /// The PostgreSQL it is on.
    #[cfg(feature = "postgres")]
    pub(super) fn database(&self) -> &Database {
        self.database.as_deref().expect("it is on one")
    }

    /// A second server with the keys of this one, connected already.
    #[cfg(feature = "postgres")]
    pub(super) async fn beside_on(&self, store: PostgresStore) -> Self {
        let options = AppOptions {
            clock: self.clock.clone(),
            hash_cost: CHEAP,
            keys: Some(beside(self.path())),
            ..AppOptions::default()
        };
        Self::on_store(tempfile::tempdir().unwrap(), store, options, None).await
    }

    #[cfg(feature = "postgres")]
    async fn on_store(
        dir: TempDir,
        store: PostgresStore,
        options: AppOptions,
        database: Option<Arc<Database>>,
    ) -> Self {
        let clock = options.clock.clone();
        let app = App::on(dir.path(), store, options).await.unwrap();
        let edge = app.edge(Settings {
            rate: None,
            ..Settings::default()
        });
        Self {
            app,
            edge,
            clock,
            dir,
            database,
        }
    }

    async fn fill(&self) {
        let now_ms = self.clock.now_ms();
        let catalogue = &self.app.services().catalogue;
        let venue = Venue {
            id: Uuid::from_u128(1),
            name: "Cellar".to_owned(),
            city: "Bremen".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
        };
        catalogue.add_venue(venue).await.unwrap();
        let (map, mut terms) = {
            let (map, terms) = crate::support::small();
            ((*map).clone(), (*terms).clone())
        };
        terms.rules.max_places_per_hold = 8;
        let voucher = |code: &str, percent: u32| booking_core::price::Voucher {
            code: code.to_owned(),
            effect: booking_core::price::VoucherEffect::Percent(percent * 10_000),
            bands: Vec::new(),
            max_tickets_per_order: 0,
            max_orders: 0,
            from_ms: 0,
            until_ms: i64::MAX,
        };
        terms.prices.vouchers = vec![voucher("SECRET", 50), voucher("FREE", 100)];
        catalogue
            .add_performance(NewPerformance {
                id: PerformanceId::from(SHOW),
                title: "The Test".to_owned(),
                subtitle: String::new(),
                description: String::new(),
                genre: String::new(),
                venue: Uuid::from_u128(1),
                starts_at_ms: now_ms + 86_400_000,
                doors_at_ms: now_ms + 82_800_000,
                map,
                terms,
                poster_svg: format!("<svg>{}</svg>", "<g/>".repeat(500)),
                simulated_fans: false,
            })
            .await
            .unwrap();
    }

    pub(super) fn path(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// A new browser, without a cookie.
    pub(super) fn fan(&self) -> Fan<'_> {
        Fan {
            shop: self,
            cookies: Mutex::default(),
            admission: Mutex::default(),
            address: IpAddr::from([127, 0, 0, 1]),
        }
    }

    /// Everything that could have changed: ledger position and every seat.
    pub(super) async fn state(&self) -> Value {
        self.fan()
            .get(&show("/seats"), &[("accept", "application/json")])
            .await
            .json()
    }
}

/// A path below the performance of every test.
pub(super) fn show(rest: &str) -> String {
    format!("/api/v1/performances/{SHOW}{rest}")
}

pub(super) struct Fan<'a> {
    shop: &'a Shop,
    cookies: Mutex<BTreeMap<String, String>>,
    /// Shown with every request, where there is one.
    pub(super) admission: Mutex<Option<String>>,
    pub(super) address: IpAddr,
}

#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Reply {
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Whether this is a whole problem document with that status and code.
    #[track_caller]
    pub(super) fn is_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["type"], format!("/problems/{code}"), "{problem}");
        assert!(
            problem["title"]
                .as_str()
                .is_some_and(|title| !title.is_empty()),
            "{problem}"
        );
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|detail| !detail.is_empty()),
            "{problem}"
        );
        assert!(!self.header("x-request-id").is_empty());
        problem
    }
}

impl Fan<'_> {
    /// The same browser at another server.
    #[cfg(any(feature = "redis", feature = "postgres"))]
    pub(super) fn at<'a>(&self, shop: &'a Shop) -> Fan<'a> {
        Fan {
            shop,
            cookies: Mutex::new(self.cookies.lock().unwrap().clone()),
            admission: Mutex::new(self.admission.lock().unwrap().clone()),
            address: self.address,
        }
    }

    /// What a cookie of this browser holds.
    pub(super) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    /// Puts a cookie into this browser, or (`None`) takes it away.
    pub(super) fn set_cookie(&self, name: &str, value: Option<String>) {
        let mut jar = self.cookies.lock().unwrap();
        match value {
            Some(value) => jar.insert(name.to_owned(), value),
            None => jar.remove(name),
        };
    }

    /// Sends a request as this browser does; the answer's body is not read yet.
    pub(super) async fn answer(&self, mut request: Request<Body>) -> Response<Body> {
        let headers = request.headers_mut();
        headers
            .entry("host")
            .or_insert_with(|| "localhost".parse().unwrap());
        if let Some(admission) = &*self.admission.lock().unwrap() {
            headers.insert("onsale-admission", admission.parse().unwrap());
        }
        let cookies: Vec<_> = {
            let jar = self.cookies.lock().unwrap();
            jar.iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect()
        };
        if !cookies.is_empty() {
            headers.insert("cookie", cookies.join("; ").parse().unwrap());
        }
        let response = self.shop.edge.answer(request, self.address).await;
        for set in response.headers().get_all("set-cookie") {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            let mut jar = self.cookies.lock().unwrap();
            if set.contains("Max-Age=0;") || set.ends_with("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Reply {
        let (parts, body) = self.answer(request).await.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub(super) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(super) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.ask("GET", path, headers, Body::empty()).await
    }

    pub(super) async fn json(&self, method: &str, path: &str, body: &Value) -> Reply {
        let json = [("content-type", "application/json")];
        self.ask(method, path, &json, body.to_string()).await
    }

    /// Asks for these seats under a new hold id; returns the id and the answer.
    pub(super) async fn hold(&self, seats: &[u32]) -> (Uuid, Reply) {
        let hold = Uuid::now_v7();
        let body = wish(Uuid::now_v7(), hold, seats);
        (hold, self.json("POST", &show("/holds"), &body).await)
    }
}

/// The body of a hold's request.
pub(super) fn wish(command: Uuid, hold: Uuid, seats: &[u32]) -> Value {
    let places: Vec<_> = seats
        .iter()
        .map(|seat| serde_json::json!({ "seat": seat }))
        .collect();
    serde_json::json!({ "command_id": command, "hold_id": hold, "request": { "these": places } })
}

/// Makes the tests of these rules for a shop on each database.
macro_rules! on_each_database {
    ($($rule:ident)*) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $rule() {
                    super::$rule($crate::http::shop::Shop::open().await).await;
                }
            )*
        }
        #[cfg(feature = "postgres")]
        mod postgres {
            $(
                #[tokio::test]
                async fn $rule() {
                    super::$rule($crate::http::shop::Shop::on_postgres().await).await;
                }
            )*
        }
    };
}
pub(super) use on_each_database;

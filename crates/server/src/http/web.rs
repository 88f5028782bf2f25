//! The web app: files embedded by the build script, or a folder named on the command line while
//! somebody works on them.

use super::encoded::{Effort, Encoded};
use super::problem::ApiError;
use axum::body::Body;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use base64::Engine;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::Path;

/// A file as the build script embeds it.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedFile {
    /// Path below the root, with `/`.
    pub path: &'static str,
    /// The bytes.
    pub plain: &'static [u8],
    /// Compressed, where that is smaller.
    pub gzip: Option<&'static [u8]>,
    /// Compressed, where that is smaller.
    pub brotli: Option<&'static [u8]>,
}

mod embedded {
    use super::EmbeddedFile;
    include!(concat!(env!("OUT_DIR"), "/web_files.rs"));
}

const INDEX: &str = "index.html";
const UNCHANGING: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// The web app, ready to be sent: the pages of its programs, and the files they ask for.
pub struct WebApp {
    files: HashMap<String, Encoded>,
    /// The program for every address that no other has.
    index: Option<Page>,
    pages: Vec<Page>,
}

/// What is sent to a person who goes to an address: the document that starts a program.
struct Page {
    /// Which addresses the program has, as its document says in `<meta name="addresses">`: parts after
    /// slashes, where `:name` is any one part and `*` all that follow.
    addresses: Vec<String>,
    document: Encoded,
    policy: HeaderValue,
}

impl Page {
    fn new(document: Encoded, plain: &[u8]) -> Self {
        let text = String::from_utf8_lossy(plain);
        Self {
            addresses: addresses(&text),
            document,
            policy: policy(&text),
        }
    }

    fn has(&self, path: &str) -> bool {
        self.addresses.iter().any(|pattern| fits(pattern, path))
    }
}

impl WebApp {
    /// What the build embedded.
    #[must_use]
    pub fn embedded() -> Self {
        let mut app = Self::empty();
        for file in embedded::FILES {
            let encoded = Encoded::ready(
                file.plain,
                file.gzip,
                file.brotli,
                content_type(file.path),
                &etag(file.plain),
                cache(file.path),
            );
            app.add(file.path, encoded, file.plain);
        }
        app
    }

    /// The files of a folder, read once, now.
    pub fn folder(folder: &Path) -> std::io::Result<Self> {
        let mut app = Self::empty();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(&next)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path
                    .strip_prefix(folder)
                    .unwrap_or(&path)
                    .to_string_lossy()
                    .into_owned();
                let bytes = std::fs::read(&path)?;
                let encoded = Encoded::new(
                    bytes.clone(),
                    content_type(&name),
                    &etag(&bytes),
                    cache(&name),
                    Effort::Quick,
                );
                app.add(&name, encoded, &bytes);
            }
        }
        Ok(app)
    }

    fn empty() -> Self {
        Self {
            files: HashMap::new(),
            index: None,
            pages: Vec::new(),
        }
    }

    fn add(&mut self, name: &str, encoded: Encoded, plain: &[u8]) {
        if name == INDEX {
            self.index = Some(Page::new(encoded, plain));
        } else if name.ends_with(".html") {
            self.pages.push(Page::new(encoded, plain));
        } else {
            self.files.insert(name.to_owned(), encoded);
        }
    }

    /// Whether there is an app to show.
    #[must_use]
    pub fn is_built(&self) -> bool {
        self.index.is_some()
    }

    /// Answers what no other route answered.
    pub fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response<Body> {
        let path = uri.path().trim_start_matches('/');
        if !matches!(*method, Method::GET | Method::HEAD) || path.starts_with("api/") {
            return ApiError::NotFound.into_response();
        }
        if let Some(file) = self.files.get(path) {
            return file.answer(headers);
        }
        if !is_navigation(path, headers) {
            return ApiError::NotFound.into_response();
        }
        let page = self.pages.iter().find(|page| page.has(path));
        let Some(page) = page.or(self.index.as_ref()) else {
            return not_built();
        };
        let mut answer = page.document.answer(headers);
        answer
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, page.policy.clone());
        answer
    }
}

/// What a document says of the addresses it is for.
fn addresses(document: &str) -> Vec<String> {
    const META: &str = "<meta name=\"addresses\" content=\"";
    let content = document
        .split_once(META)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("", |(content, _)| content);
    content.split_whitespace().map(str::to_owned).collect()
}

/// Whether a path is one of the addresses that a pattern stands for.
fn fits(pattern: &str, path: &str) -> bool {
    fn parts(path: &str) -> impl Iterator<Item = &str> {
        path.split('/').filter(|part| !part.is_empty())
    }
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

/// A person going to a page of the app, not a program or a page looking for a file.
fn is_navigation(path: &str, headers: &HeaderMap) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    let wants_page = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    path.is_empty() || path == INDEX || (wants_page && !last.contains('.'))
}

/// Said instead of an app that was not built.
fn not_built() -> Response<Body> {
    const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Onsale</title>\
        <h1>The web app is not in this build</h1>\
        <p>The server runs and its API answers at <a href=/api/docs>/api/docs</a>, but the pages \
        were not built when this program was compiled.</p>\
        <p>Build them, then the program again:</p>\
        <pre>cargo xtask web\ncargo build -p onsale-server</pre>\
        <p>Or show a built folder: <code>onsale serve --web FOLDER</code>.</p>";
    let mut response = Response::new(Body::from(PAGE));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The policy of the app's pages: our own files, WebAssembly, and exactly the inline scripts that
/// stand in the page (the bundler writes one that starts the app).
fn policy(document: &str) -> HeaderValue {
    let mut scripts = String::from("'self' 'wasm-unsafe-eval'");
    for script in inline_scripts(document) {
        let hash = Sha256::digest(script.as_bytes());
        scripts.push_str(" 'sha256-");
        scripts.push_str(&base64::engine::general_purpose::STANDARD.encode(hash));
        scripts.push('\'');
    }
    let policy = format!(
        "default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data: blob:; \
         font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy)
        .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
}

/// Contents of the `<script>` elements that have no `src`.
fn inline_scripts(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find("<script") {
        let Some(open) = rest[start..].find('>') else {
            break;
        };
        let tag = &rest[start..start + open];
        let body = &rest[start + open + 1..];
        let Some(end) = body.find("</script") else {
            break;
        };
        if !tag.contains(" src=") && !body[..end].is_empty() {
            found.push(&body[..end]);
        }
        rest = &body[end..];
    }
    found
}

fn etag(bytes: &[u8]) -> String {
    crate::catalogue::hex(&Sha256::digest(bytes)[..12])
}

/// Names that carry the hash of their content never change it.
fn cache(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    // Eight hexadecimal digits or more, of which one at least is no letter: no word of a language.
    let hashed = name.split(['-', '.', '_']).any(|part| {
        part.len() >= 8
            && part.bytes().all(|c| c.is_ascii_hexdigit())
            && part.bytes().any(|c| c.is_ascii_digit())
    });
    if hashed { UNCHANGING } else { ASK_AGAIN }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "<html><script type=module>shop()</script>\
                        <script src=\"/a.js\"></script></html>";
    const ROOM: &str = "<html><meta name=\"addresses\" content=\"/rooms/:id /lobby/*\">\
                        <script type=module>room()</script></html>";

    fn app() -> WebApp {
        let mut app = WebApp::empty();
        for (name, text) in [
            (INDEX, SHOP),
            ("room.html", ROOM),
            ("web-0123456789abcdef.js", "start()"),
        ] {
            let encoded = Encoded::new(
                text.as_bytes().to_vec(),
                content_type(name),
                "x",
                cache(name),
                Effort::Quick,
            );
            app.add(name, encoded, text.as_bytes());
        }
        app
    }

    /// The script that the page is allowed to start its program with.
    fn allows(page: &Response<Body>, script: &str) -> bool {
        let policy = page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(!policy.contains("unsafe-inline"), "{policy}");
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(script));
        policy.contains(&format!("'sha256-{hash}'"))
    }

    fn get(app: &WebApp, path: &'static str, accept: &'static str) -> Response<Body> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        app.answer(&Method::GET, &Uri::from_static(path), &headers)
    }

    #[test]
    fn every_address_gets_the_page_of_its_program_with_its_policy() {
        for (path, script) in [
            ("/", "shop()"),
            ("/index.html", "shop()"),
            ("/performances/7", "shop()"),
            ("/rooms", "shop()"),
            ("/rooms/7/8", "shop()"),
            ("/rooms/7", "room()"),
            ("/rooms/7/", "room()"),
            ("/lobby", "room()"),
            ("/lobby/7/8", "room()"),
        ] {
            let page = get(&app(), path, "text/html,*/*");
            assert_eq!(page.status(), StatusCode::OK, "{path}");
            for one in ["shop()", "room()"] {
                assert_eq!(allows(&page, one), one == script, "{path}");
            }
        }
    }

    #[test]
    fn only_navigations_fall_back_to_the_index() {
        for (path, accept) in [
            ("/gone.js", "*/*"),
            ("/gone.js", "text/html"),
            ("/thing", "*/*"),
            ("/room.html", "text/html"),
            ("/api/v2", "text/html"),
        ] {
            assert_eq!(
                get(&app(), path, accept).status(),
                StatusCode::NOT_FOUND,
                "{path}"
            );
        }
    }

    #[test]
    fn only_names_with_a_hash_are_kept_forever() {
        let file = get(&app(), "/web-0123456789abcdef.js", "*/*");
        assert_eq!(file.headers()[CACHE_CONTROL], UNCHANGING);
        assert_eq!(
            get(&app(), "/", "text/html").headers()[CACHE_CONTROL],
            ASK_AGAIN
        );
    }

    #[test]
    fn a_build_without_the_app_says_how_to_build_it() {
        let empty = WebApp::empty();
        assert_eq!(
            get(&empty, "/", "text/html").status(),
            StatusCode::SERVICE_UNAVAILABLE
        );
    }
}

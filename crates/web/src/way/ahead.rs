//! Fetching ahead what the reader will want next: the program of another page, while this one has
//! nothing to do. Their browser then has it at hand when they go there.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, Request, RequestInit, Response};

use crate::browser;

/// Has the browser fetch what the page at `path` begins with, once the page has been idle so long.
/// Whatever goes wrong is no loss: the page fetches it itself.
pub(crate) fn prepare(path: &'static str, after: std::time::Duration) {
    set_timeout(
        move || {
            spawn_local(async move {
                let _ = fetch_program(path).await;
            });
        },
        after,
    );
}

async fn fetch_program(path: &str) -> Result<(), JsValue> {
    let document = fetch_quietly(path, "text/html").await?;
    let document = JsFuture::from(document.text()?).await?;
    for file in preloads(&document.as_string().unwrap_or_default()) {
        let answer = fetch_quietly(file, "*/*").await?;
        // Read to its end, or the browser would not keep it.
        JsFuture::from(answer.array_buffer()?).await?;
    }
    Ok(())
}

/// What is at an address of ours, behind everything that is more urgent.
async fn fetch_quietly(path: &str, accept: &str) -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    headers.set("accept", accept)?;
    let init = RequestInit::new();
    init.set_headers(&headers);
    js_sys::Reflect::set(&init, &"priority".into(), &"low".into())?;
    let request = Request::new_with_str_and_init(path, &init)?;
    let answer = JsFuture::from(browser::window().fetch_with_request(&request)).await?;
    Ok(answer.unchecked_into())
}

/// The addresses that a document's links name for loading ahead.
fn preloads(document: &str) -> impl Iterator<Item = &str> {
    document
        .split("<link ")
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .filter_map(|(link, _)| {
            let rel = attribute(link, "rel")?;
            matches!(rel, "modulepreload" | "preload").then(|| attribute(link, "href"))?
        })
        .filter(|href| href.starts_with('/') && !href.starts_with("//"))
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::preloads;

    #[test]
    fn a_document_names_its_program_and_nothing_of_another_site() {
        let document = r#"<head><link rel="icon" href="/icon.svg">
            <link rel="modulepreload" href="/onsale-orders-1.js" crossorigin="anonymous">
            <link rel="preload" href="/onsale-orders-1_bg.wasm" as="fetch">
            <link rel="preload" href="//elsewhere.example/x"></head>"#;
        let found: Vec<_> = preloads(document).collect();
        assert_eq!(found, ["/onsale-orders-1.js", "/onsale-orders-1_bg.wasm"]);
    }
}

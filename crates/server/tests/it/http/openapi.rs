//! The description says what the router does.

use super::shop::Shop;
use serde_json::Value;
use std::collections::BTreeSet;

#[tokio::test]
async fn every_documented_path_takes_exactly_the_documented_methods() {
    let shop = Shop::open().await;
    let fan = shop.fan();
    let document = fan.get("/api/v1/openapi.json", &[]).await.json();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 10, "{:?}", paths.keys());
    for (path, methods) in paths {
        let documented: BTreeSet<_> = methods
            .as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase())
            .filter(|method| method != "PARAMETERS")
            .collect();
        let real = path
            .split('/')
            .map(|part| {
                if part.starts_with('{') {
                    "00000000-0000-0000-0000-000000000001"
                } else {
                    part
                }
            })
            .collect::<Vec<_>>()
            .join("/");
        let reply = fan.ask("TRACE", &real, &[], "").await;
        reply.is_problem(405, "method_not_allowed");
        let taken: BTreeSet<_> = reply
            .header("allow")
            .split(',')
            .map(|method| method.trim().to_owned())
            .filter(|method| method != "HEAD")
            .collect();
        assert_eq!(taken, documented, "{path}");
    }
}

#[test]
fn routes_of_the_api_are_added_with_their_description() {
    let router = include_str!("../../../src/http/router.rs");
    assert!(
        !router.contains(".route("),
        "a route added with .route() is in no document"
    );
}

#[tokio::test]
async fn every_reference_of_the_description_leads_somewhere() {
    let shop = Shop::open().await;
    let document = shop.fan().get("/api/v1/openapi.json", &[]).await.json();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(reference) if name == "$ref" => into.push(reference.clone()),
                    other => collect(other, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn the_page_to_browse_it_loads_nothing_from_elsewhere() {
    let shop = Shop::open().await;
    let page = shop.fan().get("/api/docs/", &[]).await;
    assert_eq!(page.status, 200);
    let text = String::from_utf8_lossy(&page.body);
    assert!(
        !text.contains("http://") && !text.contains("https://"),
        "{text}"
    );
    assert!(
        page.header("content-security-policy")
            .contains("script-src 'self';")
    );
}

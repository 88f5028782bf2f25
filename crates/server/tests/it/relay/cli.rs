//! What the program says of events.

use crate::cli::{demo, err, onsale, out};

#[test]
fn what_has_not_been_published_is_told() {
    let (_dir, data) = demo();
    let told = onsale(&["relay", "status", "--data", &data]);
    assert!(told.status.success(), "{}", err(&told));
    assert!(out(&told).starts_with("nothing has been published yet\n"));
    let told = onsale(&["relay", "status", "--json", "--data", &data]);
    let value: serde_json::Value = serde_json::from_str(&out(&told)).unwrap();
    assert_eq!(value["epoch"], 0);
    assert_eq!(value["dead_letters"], serde_json::json!([]));
}

#[test]
fn a_kafka_that_cannot_be_meant_is_told_with_the_way_out() {
    for (kafka, way_out) in [
        ("localhost", "host:port"),
        ("a:1,b", "host:port"),
        ("kafka://a:9092", "host:port"),
    ] {
        let told = onsale(&["serve", "--listen", "127.0.0.1:0", "--kafka", kafka]);
        assert!(!told.status.success());
        assert!(err(&told).contains(way_out), "{}", err(&told));
    }
    let told = onsale(&["relay", "replay"]);
    assert!(err(&told).contains("--kafka HOST:PORT"), "{}", err(&told));
}

#[cfg(not(feature = "kafka"))]
#[test]
fn a_program_without_kafka_says_how_one_with_it_is_built() {
    let told = onsale(&["serve", "--kafka", "127.0.0.1:9092"]);
    assert!(!told.status.success());
    assert!(err(&told).contains("--features kafka"), "{}", err(&told));
}

//! The operators' console, fetched only by who opens it.

fn main() {
    onsale_web::programs::console();
}

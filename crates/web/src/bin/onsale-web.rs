//! The box office's shop: the season, and a performance with its seats.

fn main() {
    onsale_web::programs::shop();
}

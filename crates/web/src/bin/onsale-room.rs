//! The waiting room, as a visitor meets it.

fn main() {
    onsale_web::programs::room();
}

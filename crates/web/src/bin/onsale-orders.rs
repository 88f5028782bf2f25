//! What a fan has chosen and bought: checkout, orders, tickets, and their account.

fn main() {
    onsale_web::programs::orders();
}

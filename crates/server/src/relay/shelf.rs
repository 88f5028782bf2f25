//! Books of ledgers that were published lately, so that the next batch need not read the whole ledger
//! again.

use super::book::{Book, Scope};
use booking_core::PerformanceId;
use std::collections::HashMap;

/// Most books at hand; the one that was put back first goes first.
const MOST: usize = 1_024;

/// Books at hand.
#[derive(Default)]
pub(super) struct Shelf {
    books: HashMap<PerformanceId, (u64, Book)>,
    put: u64,
}

impl Shelf {
    /// Takes a book, if it is at hand, at that position and of that scope.
    pub(super) fn take(
        &mut self,
        performance: PerformanceId,
        seq: u64,
        scope: Scope,
    ) -> Option<Book> {
        let (_, book) = self.books.remove(&performance)?;
        (book.seq() == seq && book.scope() == scope).then_some(book)
    }

    /// Puts a book back.
    pub(super) fn put(&mut self, performance: PerformanceId, book: Book) {
        self.put += 1;
        self.books.insert(performance, (self.put, book));
        if self.books.len() > MOST {
            let oldest = self.books.iter().min_by_key(|(_, (put, _))| *put);
            if let Some(oldest) = oldest.map(|(performance, _)| *performance) {
                self.books.remove(&oldest);
            }
        }
    }
}

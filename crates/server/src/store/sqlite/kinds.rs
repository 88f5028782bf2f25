//! Writes of many types in one queue: their types forgotten while they wait, and found again when
//! those of one type are written together.

use super::writer::{Connections, HotWrite, Write, WriteError};
use crate::store::error::StoreError;
use std::any::{Any, TypeId};
use std::marker::PhantomData;
use tokio::sync::oneshot;

/// How writes of one type are made.
pub(super) trait Kind: Send + 'static {
    type Item: Send + 'static;
    type Done: Send + 'static;
    type Refusal: Send + 'static;
    const IS_HOT: bool;
    fn run(on: &mut Connections, writes: &[Self::Item]) -> Outcomes<Self>;
    fn execute(on: &mut Connections, statement: &'static str) -> Result<(), StoreError>;
}

/// One result for each write, or a reason why there is none.
type Outcomes<K> = Result<Vec<<K as Kind>::Done>, WriteError<<K as Kind>::Refusal>>;
type Reply<K> = oneshot::Sender<Result<<K as Kind>::Done, WriteError<<K as Kind>::Refusal>>>;

/// Through the driver that also reads.
pub(super) struct Ordinary<W>(PhantomData<fn() -> W>);
/// On the writer's own thread.
pub(super) struct Hot<W>(PhantomData<fn() -> W>);

impl<W: Write> Kind for Ordinary<W> {
    type Item = W;
    type Done = W::Done;
    type Refusal = W::Refusal;
    const IS_HOT: bool = false;

    fn run(on: &mut Connections, writes: &[W]) -> Outcomes<Self> {
        on.runtime.block_on(W::run(&mut on.ordinary, writes))
    }
    fn execute(on: &mut Connections, statement: &'static str) -> Result<(), StoreError> {
        on.execute_ordinary(statement)
    }
}

impl<W: HotWrite> Kind for Hot<W> {
    type Item = W;
    type Done = W::Done;
    type Refusal = W::Refusal;
    const IS_HOT: bool = true;

    fn run(on: &mut Connections, writes: &[W]) -> Outcomes<Self> {
        W::run(&on.hot, writes)
    }
    fn execute(on: &mut Connections, statement: &'static str) -> Result<(), StoreError> {
        on.execute_hot(statement)
    }
}

/// A write and who waits for it, its type forgotten.
pub(super) trait Waiting: Send {
    fn kind(&self) -> TypeId;
    fn into_group(self: Box<Self>) -> Box<dyn Group>;
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

pub(super) struct One<K: Kind> {
    pub(super) write: K::Item,
    pub(super) reply: Reply<K>,
}

impl<K: Kind> Waiting for One<K> {
    fn kind(&self) -> TypeId {
        TypeId::of::<K>()
    }
    fn into_group(self: Box<Self>) -> Box<dyn Group> {
        let One { write, reply } = *self;
        Box::new(Many::<K> {
            writes: vec![write],
            replies: vec![reply],
            results: Vec::new(),
        })
    }
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// All waiting writes of one kind.
pub(super) trait Group: Send {
    fn kind(&self) -> TypeId;
    fn is_hot(&self) -> bool;
    fn push(&mut self, one: Box<dyn Any + Send>);
    /// `Err(None)`: refused for a reason of its own.
    fn run(&mut self, on: &mut Connections) -> Result<(), Option<StoreError>>;
    /// An error is one that concerns the whole transaction.
    fn run_one_by_one(&mut self, on: &mut Connections) -> Result<(), StoreError>;
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Many<K: Kind> {
    writes: Vec<K::Item>,
    replies: Vec<Reply<K>>,
    results: Vec<Result<K::Done, WriteError<K::Refusal>>>,
}

impl<K: Kind> Group for Many<K> {
    fn kind(&self) -> TypeId {
        TypeId::of::<K>()
    }
    fn is_hot(&self) -> bool {
        K::IS_HOT
    }
    fn push(&mut self, one: Box<dyn Any + Send>) {
        if let Ok(one) = one.downcast::<One<K>>() {
            self.writes.push(one.write);
            self.replies.push(one.reply);
        }
    }
    fn run(&mut self, on: &mut Connections) -> Result<(), Option<StoreError>> {
        match K::run(on, &self.writes) {
            Ok(done) => {
                debug_assert_eq!(done.len(), self.writes.len());
                self.results = done.into_iter().map(Ok).collect();
                Ok(())
            }
            Err(WriteError::Refused(_)) => Err(None),
            Err(WriteError::Store(error)) => Err(Some(error)),
        }
    }
    fn run_one_by_one(&mut self, on: &mut Connections) -> Result<(), StoreError> {
        self.results.clear();
        for write in &self.writes {
            K::execute(on, "SAVEPOINT one")?;
            let result = K::run(on, std::slice::from_ref(write));
            match &result {
                Ok(_) => {}
                Err(WriteError::Store(error)) if !error.is_about_one_operation() => {
                    return Err(error.clone());
                }
                Err(_) => K::execute(on, "ROLLBACK TO one")?,
            }
            K::execute(on, "RELEASE one")?;
            let closed = || WriteError::Store(StoreError::Failed("no result".to_owned()));
            self.results
                .push(result.and_then(|mut done| done.pop().ok_or_else(closed)));
        }
        Ok(())
    }
    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        match committed {
            Ok(()) => {
                for (reply, result) in self.replies.into_iter().zip(self.results) {
                    // Whoever asked may have gone; the write stands all the same.
                    let _ = reply.send(result);
                }
            }
            Err(error) => {
                for reply in self.replies {
                    let _ = reply.send(Err(WriteError::Store(error.clone())));
                }
            }
        }
    }
}

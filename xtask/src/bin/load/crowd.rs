//! Many who do the same at once: a task each on the one thread, and what came of them all.

use std::{cell::RefCell, future::Future, rc::Rc, time::Duration};

use anyhow::Result;
use tokio::task::spawn_local;

use crate::{Common, client::Client, cpu::Meter, tally::Tally};

/// Until caches are warm and everybody is under way.
const WARM_UP: Duration = Duration::from_secs(1);

/// The tally that a crowd shares.
pub(crate) type Shared = Rc<RefCell<Tally>>;

/// A connection each, of fans of so many performances.
pub(crate) async fn connect(common: &Common, houses: usize) -> Result<Vec<Client>> {
    let mut clients = Vec::with_capacity(common.connections);
    for index in 0..common.connections {
        clients.push(Client::connect(common.server_of(index, houses)).await?);
    }
    Ok(clients)
}

/// Lets each of `them` act at once, and gives what each came to, in their order.
pub(crate) async fn each<T, R, F>(
    them: Vec<T>,
    mut act: impl FnMut(usize, T) -> F,
) -> Result<Vec<R>>
where
    R: 'static,
    F: Future<Output = Result<R>> + 'static,
{
    let acting: Vec<_> = them
        .into_iter()
        .enumerate()
        .map(|(index, one)| spawn_local(act(index, one)))
        .collect();
    let mut came_to = Vec::with_capacity(acting.len());
    for one in acting {
        came_to.push(one.await??);
    }
    Ok(came_to)
}

/// Lets each of `them` go on until the tally is over: so many seconds after a warm-up. Prints it,
/// with `unit` for what was accepted, and how many that were.
pub(crate) async fn measure<T, F>(
    common: &Common,
    seconds: u64,
    unit: &str,
    them: Vec<T>,
    mut act: impl FnMut(usize, T, Shared) -> F,
) -> Result<u64>
where
    F: Future<Output = Result<()>> + 'static,
{
    let window = Duration::from_secs(seconds);
    let tally = Rc::new(RefCell::new(Tally::new(WARM_UP, window)));
    let warm = async {
        tokio::time::sleep(WARM_UP).await;
        Meter::start(&common.process)
    };
    let acting = each(them, |index, one| act(index, one, Rc::clone(&tally)));
    let (meter, acted) = tokio::join!(warm, acting);
    acted?;
    let mut tally = tally.borrow_mut();
    tally.print(unit, &meter);
    Ok(tally.accepted)
}

/// The same until everybody has done all there is to do.
pub(crate) async fn measure_whole<T, F>(
    common: &Common,
    unit: &str,
    them: Vec<T>,
    mut act: impl FnMut(usize, T, Shared) -> F,
) -> Result<()>
where
    F: Future<Output = Result<()>> + 'static,
{
    let tally = Rc::new(RefCell::new(Tally::whole()));
    let meter = Meter::start(&common.process);
    each(them, |index, one| act(index, one, Rc::clone(&tally))).await?;
    tally.borrow_mut().print(unit, &meter);
    Ok(())
}

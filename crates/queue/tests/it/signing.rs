//! Those who join at the same moment share a signature, and none of them notices.

use crate::support::*;
use onsale_queue::RoomId;
use onsale_queue::room::{MemoryStore, RoomStore, World};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

fn hall() -> Hall {
    let world = TestWorld::at(1_800_000_000_000);
    let store = Arc::new(MemoryStore::new(Arc::clone(&world) as Arc<dyn World>));
    Hall {
        store: store as Arc<dyn RoomStore>,
        world,
        shift: Box::new(|_| {}),
        _keep: Box::new(()),
    }
}

#[tokio::test]
async fn each_of_a_crowd_gets_a_pass_that_is_good_by_itself() {
    let hall = hall();
    let server = hall.open(settings()).await;
    let crowd: Vec<_> = (0..600)
        .map(|number| {
            let server = Arc::clone(&server);
            tokio::spawn(async move { join(&server, number).await })
        })
        .collect();
    let mut shared = 0;
    for (number, joined) in (0..).zip(crowd) {
        let joined = joined.await.unwrap();
        let checked = server.check_pass(ROOM, &joined.token, visitor(number));
        assert_eq!(checked, Ok(joined.pass));
        assert!(
            server
                .check_shown_pass(RoomId([8; 16]), &joined.token)
                .is_err()
        );
        shared += u64::from(joined.token.starts_with("onsale-pass-2."));
    }
    assert!(shared > 300, "{shared} of 600 shared a signature");
}

#[tokio::test]
async fn who_joins_alone_does_not_wait_for_anybody() {
    let hall = hall();
    let server = hall.open(settings()).await;
    let joined = join(&server, 1).await;
    assert!(joined.token.starts_with("onsale-pass-1."));
    let checked = server.check_pass(ROOM, &joined.token, visitor(1));
    assert_eq!(checked, Ok(joined.pass));
}

#[tokio::test]
async fn if_the_first_of_several_hangs_up_the_others_get_their_passes_all_the_same() {
    let hall = hall();
    let server = hall.open(settings()).await;
    // The numbers at hand, so that joining waits for nothing but the signature.
    join_many(&server, 0..8).await;
    let asleep = &mut Context::from_waker(Waker::noop());
    let mut first = Box::pin(join(&server, 10));
    let mut second = pin!(join(&server, 11));
    assert!(first.as_mut().poll(asleep).is_pending());
    assert!(second.as_mut().poll(asleep).is_pending());
    drop(first);
    let Poll::Ready(joined) = second.as_mut().poll(asleep) else {
        panic!("nobody signs for the second");
    };
    let checked = server.check_pass(ROOM, &joined.token, visitor(11));
    assert_eq!(checked, Ok(joined.pass));
}

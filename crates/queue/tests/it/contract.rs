//! The rules that every store keeps. `suite!` runs them all on one.

pub(crate) mod places;
pub(crate) mod shop;
pub(crate) mod ways;

/// Every rule as a test on the hall that `$hall` makes.
macro_rules! suite {
    ($hall:path) => {
        suite!($hall; places:
            a_number_is_given_once_however_many_servers_give_them
            nobody_comes_in_before_their_number_is_called
            a_turn_lapses_then_ends_and_the_late_come_in_only_meanwhile
            a_pause_takes_nobodys_turn_away
            a_clock_that_jumps_takes_nobodys_turn_and_calls_no_crowd
            no_shows_are_made_up_for
            the_rate_is_met_and_not_exceeded
            a_rate_of_zero_calls_nobody
            one_person_has_one_place_whatever_the_session
            the_draw_gives_every_gathered_visitor_a_place_that_anybody_can_check
            who_comes_after_the_draw_stands_behind_who_gathered
            a_reset_ends_every_pass_of_the_sale_before
            a_forgotten_room_is_rebuilt_from_the_passes_that_are_shown
            numbers_that_were_not_needed_are_given_back
            who_waits_is_counted_and_not_the_numbers_that_servers_have_at_hand
            numbers_that_nobody_will_be_given_never_count_as_somebody
            turns_on_both_sides_of_a_bitmaps_end_are_kept_apart
        );
        suite!($hall; shop:
            claims_at_once_never_exceed_the_cap_and_fill_it
            asking_again_gives_the_same_admission_and_another_session_gets_none
            leaving_frees_the_slot_at_once_and_uses_the_place_up
            time_that_is_up_frees_the_slot
            an_idle_shopper_makes_room_and_may_come_back_while_there_is_some
            a_lowered_cap_throws_nobody_out_and_lets_nobody_in
            nothing_left_to_sell_keeps_everybody_out_until_a_hold_lapses
            a_code_is_good_as_often_as_it_says_and_within_the_cap
            an_admission_of_who_left_lets_nobody_in_again
            an_admission_given_up_after_its_slot_was_gone_lets_nobody_in_again
            of_two_admissions_on_one_place_the_other_ends_with_the_one_that_is_inside
            who_came_in_on_a_code_and_left_may_come_in_on_it_again
            solved_work_counts_once
        );
        suite!($hall; ways:
            of_two_operators_who_change_at_once_one_is_told
            bad_settings_change_nothing_and_every_fault_is_named
            one_server_calls_at_a_time_and_another_takes_over
            a_controller_that_was_overtaken_calls_nobody
            a_controller_killed_between_looking_and_calling_loses_nothing
            a_crowd_switches_the_room_on_and_quiet_switches_it_off
            the_schedule_gathers_draws_opens_and_drains
            a_quiet_room_is_off
            every_change_is_in_the_log_with_who_and_when
            the_graphs_get_a_point_every_ten_seconds
            a_room_that_nobody_made_is_not_there
            servers_that_report_are_counted_and_ranked
            after_an_outage_nobody_comes_in_before_every_server_could_speak
        );
    };
    ($hall:path; $module:ident: $($rule:ident)+) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    $crate::contract::$module::$rule($hall().await).await;
                }
            )+
        }
    };
}
pub(crate) use suite;

mod memory {
    use crate::support::{Hall, TestWorld};
    use onsale_queue::room::{MemoryStore, World};
    use std::sync::Arc;

    pub(super) async fn hall() -> Hall {
        let world = TestWorld::at(1_800_000_000_000);
        Hall {
            store: Arc::new(MemoryStore::new(Arc::clone(&world) as Arc<dyn World>)),
            world,
            shift: Box::new(|_| {}),
            _keep: Box::new(()),
        }
    }

    super::suite!(super::hall);
}

#[cfg(feature = "redis")]
mod redis {
    use crate::servers::{self, still_hall_at};
    use crate::support::Hall;

    pub(super) async fn single() -> Hall {
        still_hall_at(&servers::single().url(), 0).await
    }

    /// A claim counts when the replica has it.
    pub(super) async fn guarded() -> Hall {
        still_hall_at(&servers::guarded().url(), 1).await
    }

    pub(super) async fn clustered() -> Hall {
        still_hall_at(&servers::cluster().url(), 0).await
    }

    mod alone {
        super::super::suite!(super::super::single);
    }
    mod sentinel {
        super::super::suite!(super::super::guarded);
    }
    mod cluster {
        super::super::suite!(super::super::clustered);
    }
}

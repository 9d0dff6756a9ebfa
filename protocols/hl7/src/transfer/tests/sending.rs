//! What becomes of a message of ours.

use super::script::{check, check_with};
use crate::transfer::{Release, Settings, SettledBy, Unasked};

/// A connection to a LIMS.
fn only_sends(settings: &mut Settings) {
    settings.unasked = Unasked::Discard;
}

fn until_final(settings: &mut Settings) {
    only_sends(settings);
    settings.settled_by = SettledBy::FinalAnswer;
}

#[test]
fn a_message_is_settled_by_the_answer_that_names_it() {
    for code in ["AA", "AE", "AR", "CE", "CR"] {
        check(&format!(
            r"
            queue 7 MSH|^~\&|||||||ORU|M1\rPID|1
            send MSH|^~\&|||||||ORU|M1\rPID|1
            doing waiting for an answer
            timer 30s
            idle no
            > block MSH|^~\&|\rMSA|{code}|M1
            sent 7 answered MSH|^~\&|\rMSA|{code}|M1
            idle yes
            timer none
            "
        ));
    }
}

#[test]
fn an_answer_of_ours_awaits_none_and_may_be_acknowledged_all_the_same() {
    check(
        r"
        queue 1 MSH|^~\&||||||||8\rMSA|AA|8
        send MSH|^~\&||||||||8\rMSA|AA|8
        sent 1 delivered
        idle yes
        queue 2 MSH|^~\&|||||||DSR|8\rMSA|AA|8
        send MSH|^~\&|||||||DSR|8\rMSA|AA|8
        sent 2 delivered
        > block MSH|^~\&|\rMSA|AA|8
        > block MSH|^~\&|\rMSA|AA|8
        note stray-answer
        ",
    );
}

#[test]
fn one_message_is_outstanding_and_the_others_wait() {
    check_with(
        only_sends,
        r"
        queue 1 MSH|^~\&||||||||M1
        send MSH|^~\&||||||||M1
        queue 2 MSH|^~\&||||||||M2
        > block MSH|^~\&|\rMSA|AA|M1
        sent 1 answered MSH|^~\&|\rMSA|AA|M1
        send MSH|^~\&||||||||M2
        > block MSH|^~\&|\rMSA|AA|M2
        sent 2 answered MSH|^~\&|\rMSA|AA|M2
        ",
    );
}

#[test]
fn answers_to_others_doubled_answers_and_garbage_are_never_credited() {
    check_with(
        only_sends,
        r#"
        queue 1 MSH|^~\&||||||||M1
        send MSH|^~\&||||||||M1
        > block MSH|^~\&|\rMSA|AA|M1
        sent 1 answered MSH|^~\&|\rMSA|AA|M1
        queue 2 MSH|^~\&||||||||M2
        send MSH|^~\&||||||||M2
        > block MSH|^~\&|\rMSA|AA|M1
        note mismatched-answer
        > block MSH|^~\&|\rMSA|AA|M22
        note mismatched-answer
        > block MSH|^~\&|\rMSA|AA|
        note mismatched-answer
        > block MSH|^~\&|\rMSA|AAX|M2
        note garbled-answer
        > block MSH|^~\&|\rMSA|AA|M2\rMSA|AE|M2
        note garbled-answer
        > block MSA|AA|M2
        note garbled-answer
        > block x
        note garbled-answer
        > block thank you
        note garbled-answer
        > "AA" ACK
        note noise
        > block MSH|^~\&|\rMSA|AE|M2
        sent 2 answered MSH|^~\&|\rMSA|AE|M2
        > block MSH|^~\&|\rMSA|AA|M2
        note stray-answer
        "#,
    );
}

#[test]
fn the_timer_starts_when_the_message_is_on_the_line_and_no_answer_means_unknown() {
    check_with(
        only_sends,
        r"
        slow line
        queue 1 MSH|^~\&||||||||M1
        send MSH|^~\&||||||||M1
        timer none
        wait 60s
        ~ written
        timer 30s
        > block MSH|^~\&|\rMSA|AA|M0
        note mismatched-answer
        timer 30s
        wait 29s
        timer 1s
        queue 2 MSH|^~\&||||||||M2
        wait 1s
        note no-answer
        sent 1 unknown
        close unusable
        > block MSH|^~\&|\rMSA|AA|M1
        ~ disconnected
        sent 2 refused
        ",
    );
}

#[test]
fn a_message_on_the_line_when_the_connection_is_lost_is_unknown_and_those_behind_it_were_not_sent() {
    check(
        r"
        queue 1 MSH|^~\&||||||||M1
        send MSH|^~\&||||||||M1
        queue 2 MSH|^~\&||||||||M2
        ~ disconnected
        sent 1 unknown
        sent 2 refused
        queue 3 MSH|^~\&||||||||M3
        note not-connected
        sent 3 refused
        ~ connected
        queue 1 MSH|^~\&||||||||M1
        send MSH|^~\&||||||||M1
        ",
    );
}

#[test]
fn safe_storage_settles_a_message_unless_the_final_answer_is_asked_for() {
    check_with(
        only_sends,
        r"
        queue 1 MSH|^~\&||||||||M1
        send MSH|^~\&||||||||M1
        > block MSH|^~\&|\rMSA|CA|M1
        sent 1 staged MSH|^~\&|\rMSA|CA|M1
        idle yes
        ",
    );
    check_with(
        until_final,
        r"
        queue 1 MSH|^~\&||||||||M1
        send MSH|^~\&||||||||M1
        > block MSH|^~\&|\rMSA|CA|M1
        sent 1 staged MSH|^~\&|\rMSA|CA|M1
        doing waiting for the final answer
        timer 60s
        > block MSH|^~\&|\rMSA|CA|M1
        note repeated-answer
        > block MSH|^~\&|\rMSA|AA|M1
        sent 1 answered MSH|^~\&|\rMSA|AA|M1
        idle yes
        ",
    );
}

#[test]
fn a_final_answer_that_never_comes_leaves_the_message_unknown() {
    check_with(
        until_final,
        r"
        queue 1 MSH|^~\&||||||||M1
        send MSH|^~\&||||||||M1
        > block MSH|^~\&|\rMSA|CA|M1
        sent 1 staged MSH|^~\&|\rMSA|CA|M1
        wait 60s
        note no-final-answer
        sent 1 unknown
        close unusable
        ",
    );
}

#[test]
fn a_commit_block_of_release_two_stages_a_message_or_refuses_it() {
    check_with(
        |settings| {
            until_final(settings);
            settings.release = Release::Two;
        },
        r"
        queue 1 MSH|^~\&||||||||M1
        send MSH|^~\&||||||||M1
        > VT ACK FS CR
        sent 1 staged \x06
        > VT ACK FS CR
        note repeated-answer
        > block MSH|^~\&|\rMSA|AA|M1
        sent 1 answered MSH|^~\&|\rMSA|AA|M1
        queue 2 MSH|^~\&||||||||M2
        send MSH|^~\&||||||||M2
        > VT NAK FS CR
        note not-committed
        sent 2 refused
        > VT NAK FS CR
        note stray-commit
        ",
    );
}

#[test]
fn a_message_that_no_answer_could_name_or_no_block_could_hold_is_refused() {
    for text in [
        r"MSH|^~\&||||||||",
        r"MSH|^~\&||||||||\rPID|1",
        r"PID|1",
        r"",
        r"MSH|^~\&||||||||M1\rNTE|\x0B",
        r"MSH|^~\&||||||||M1\rNTE|\x1C",
        r"MSH|^~\&||||||||M1\rMSH|^~\&||||||||M2",
    ] {
        check(&format!("queue 7 {text}\nnote unsendable\nsent 7 refused"));
    }
}

#[test]
fn a_control_id_is_not_given_to_two_messages_of_one_connection() {
    check(
        r"
        queue 1 MSH|^~\&||||||||M1\rNTE|a
        send MSH|^~\&||||||||M1\rNTE|a
        > block MSH|^~\&|\rMSA|AR|M1
        sent 1 answered MSH|^~\&|\rMSA|AR|M1
        queue 2 MSH|^~\&||||||||M1\rNTE|b
        note reused-control-id
        sent 2 refused
        queue 3 MSH|^~\&||||||||M1\rNTE|a
        send MSH|^~\&||||||||M1\rNTE|a
        ",
    );
}

#[test]
fn both_directions_run_side_by_side() {
    check(
        r#"
        queue 1 MSH|^~\&||||||||M1
        send MSH|^~\&||||||||M1
        > VT "MSH|^~\&|||||||ORU|7" FS CR VT "MSH|^~\&|\rMSA|AA|M1" FS CR
        began
        store 0 ends 20
        sent 1 answered MSH|^~\&|\rMSA|AA|M1
        ~ stored 0 say MSA|AA|7
        send MSA|AA|7
        "#,
    );
}

#[test]
fn an_answer_that_came_before_the_connection_was_lost_counts() {
    check(
        r#"
        queue 1 MSH|^~\&||||||||M1
        send MSH|^~\&||||||||M1
        > VT "MSH|^~\&|\rMSA|AA|M1" FS
        ~ disconnected
        note missing-cr
        sent 1 answered MSH|^~\&|\rMSA|AA|M1
        "#,
    );
}

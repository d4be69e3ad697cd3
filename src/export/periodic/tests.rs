use super::super::transport::agent::Agent;
use super::*;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

struct Nothing;

impl Poll for Nothing {
    fn run(&self, _: &Agent) {}

    fn failed(&self, _: NotRun) {}
}

fn poll(name: &'static str, when: When) -> Task {
    Task::poll(name, when, None, Arc::new(Nothing))
}

fn names(due: &[Due]) -> Vec<&str> {
    due.iter().map(|due| due.name).collect()
}

#[test]
fn a_task_is_due_one_period_after_its_last_start() {
    let (begin, second) = (Instant::now(), Duration::from_secs(1));
    let mut schedule = Schedule::new([poll("minutely", When::Every(60 * second))], begin);
    assert_eq!(schedule.next(true), Some(begin + 60 * second));
    assert!(schedule.take_polls(begin + 59 * second).is_empty());
    assert_eq!(names(&schedule.take_polls(begin + 90 * second)), ["minutely"]);
    assert_eq!(schedule.next(true), Some(begin + 150 * second));
    assert_eq!(schedule.next(false), None, "the worker does not wake for a poll while another one is running");
}

#[test]
fn the_poll_that_is_due_longest_comes_first() {
    let (begin, second) = (Instant::now(), Duration::from_secs(1));
    let tasks = [poll("a", When::Every(3 * second)), poll("b", When::Every(second)), poll("c", When::OnDemand)];
    let mut schedule = Schedule::new(tasks, begin);
    schedule.set_due("c", Some(begin + 2 * second));
    assert_eq!(names(&schedule.take_polls(begin + 5 * second)), ["b", "c", "a"]);
    assert_eq!(names(&schedule.take_polls(begin + 60 * second)), ["b", "a"], "a demand is met once");
    schedule.set_due("b", None);
    assert_eq!(names(&schedule.take_polls(begin + 120 * second)), ["a"]);
}

#[test]
fn local_work_runs_when_it_is_due_and_once_more_at_the_end() {
    static EACH_WAKE: AtomicU32 = AtomicU32::new(0);
    static MINUTELY: AtomicU32 = AtomicU32::new(0);
    let (begin, minute) = (Instant::now(), Duration::from_secs(60));
    let tasks = [
        Task::local("each wake", When::EachWake, || {
            EACH_WAKE.fetch_add(1, Relaxed);
        }),
        Task::local("minutely", When::Every(minute), || {
            MINUTELY.fetch_add(1, Relaxed);
        }),
    ];
    let mut schedule = Schedule::new(tasks, begin);
    assert_eq!(schedule.next(true), Some(begin + minute), "no wake-up is planned for what runs at each");
    let mut run = |after, last| {
        schedule.run_local(begin + after, last, |_| unreachable!());
        (EACH_WAKE.load(Relaxed), MINUTELY.load(Relaxed))
    };
    assert_eq!(run(Duration::ZERO, false), (1, 0));
    assert_eq!(run(minute, false), (2, 1));
    assert_eq!(run(minute, false), (3, 1));
    assert_eq!(run(minute, true), (4, 2));
}

#[test]
fn a_poll_runs_while_the_agent_offers_it_and_it_is_wanted() {
    /// Its period in seconds; 0 while it is not wanted.
    struct Offered(AtomicU32);

    impl Poll for Offered {
        fn run(&self, _: &Agent) {}

        fn failed(&self, _: NotRun) {}

        fn period(&self) -> Option<Duration> {
            Some(Duration::from_secs(self.0.load(Relaxed).into())).filter(|period| !period.is_zero())
        }
    }

    let (begin, offered) = (Instant::now(), Arc::new(Offered(AtomicU32::new(5))));
    let after = |seconds| begin + Duration::from_secs(seconds);
    let mut schedule = Schedule::new([Task::poll("x", When::WhileOffered("/x"), None, offered.clone())], begin);
    assert_eq!(schedule.next(true), None);
    schedule.offer(&["/y".into()], begin);
    assert_eq!(names(&schedule.take_polls(after(60))), [""; 0]);
    schedule.offer(&["/y".into(), "/x".into()], after(60));
    assert_eq!((names(&schedule.take_polls(after(60))), schedule.next(true)), (vec!["x"], Some(after(65))));
    schedule.offer(&["/x".into()], after(61));
    assert_eq!(schedule.next(true), Some(after(65)), "it was offered before");
    offered.0.store(0, Relaxed);
    assert_eq!((names(&schedule.take_polls(after(65))), schedule.next(true)), (vec![], Some(after(66))));
    offered.0.store(2, Relaxed);
    assert_eq!((names(&schedule.take_polls(after(66))), schedule.next(true)), (vec!["x"], Some(after(68))));
    schedule.offer(&[], after(67));
    assert_eq!((names(&schedule.take_polls(after(67))), schedule.next(true)), (vec!["x"], None), "for the last time");
    schedule.offer(&[], after(68));
    assert_eq!(schedule.next(true), None);
}

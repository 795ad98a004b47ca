//! What jobs see, what ends them, and that nothing of them stays.
use crate::{
    harness::{Market, Setting, choices, gone, mark, reason, running},
    renter::Session,
};
use gpux_node::{
    sandbox::{Choice, Limits},
    session::Device,
    simulate::{Cards, Simulator},
};
use gpux_proto::evidence::Frame;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_session_verifies_frame_by_frame() {
    for choice in choices().await {
        let market = Market::start(choice, Setting::default()).await;
        let renter = market.renter();
        let mut session = renter.open("#!/bin/sh\nexec cat\n").await.unwrap();
        assert_eq!(session.ordinal, 1);
        for size in [1usize, 1_000, 200_000] {
            let said = vec![size as u8; size];
            session.say(&said).await;
            let mut heard = Vec::new();
            while heard.len() < size {
                heard.extend(session.hear().await.unwrap());
            }
            assert!(heard == said, "{choice:?} {size}");
        }
        session.finish();
        let (rest, end) = session.rest().await;
        assert_eq!((rest.len(), end.unwrap().exit_code), (0, Some(0)));
        assert_eq!(renter.open("#!/bin/sh\nexit 7\n").await.unwrap().ordinal, 2);
        let mut failing = renter.open("#!/bin/sh\necho bye\nexit 7\n").await.unwrap();
        let (rest, end) = failing.rest().await;
        assert_eq!((rest, end.unwrap().exit_code), (b"bye\n".to_vec(), Some(7)), "what was written last is not lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_sees_its_own_environment_and_files_only() {
    let script = "#!/bin/sh\nenv\nls -A\nhead -1 /etc/passwd 2>/dev/null\necho fds\nexec ls /proc/self/fd\n";
    // What a service manager or a shell may have left open in the node, without its close-on-exec mark.
    let _inherited = nix::unistd::dup(std::fs::File::open("/").unwrap()).unwrap();
    for choice in choices().await {
        let market = Market::start(choice, Setting::default()).await;
        let (output, end) = market.renter().open(script).await.unwrap().rest().await;
        let output = String::from_utf8(output).unwrap();
        assert_eq!(end.unwrap().exit_code, Some(0), "{output}");
        assert!(std::env::var("PATH").is_ok(), "the node itself has an environment");
        for line in output.lines().filter(|line| line.contains('=')) {
            let name = line.split('=').next().unwrap();
            // The shell sets the working directory itself.
            assert!(["A", "PWD", "OLDPWD", "_"].contains(&name), "{choice:?} sees {line}");
        }
        assert!(output.contains("A=1 2\n") && output.contains("\njob\n"), "{output}");
        // The standard streams, and the folder that `ls` reads.
        assert!(output.ends_with("fds\n0\n1\n2\n3\n"), "{choice:?} {output}");
        assert_eq!(output.contains("root:"), choice == Choice::Development, "{choice:?} {output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bubblewrap_has_no_network_no_host_files_and_no_host_processes() {
    if !choices().await.contains(&Choice::Bubblewrap) {
        return;
    }
    let market = Market::start(Choice::Bubblewrap, Setting::default()).await;
    let host = std::process::id();
    let script = format!(
        "#!/bin/sh\nls /sys/class/net /home /root 2>/dev/null | wc -l\n[ -d /proc/{host} ] && echo host\n\
         cat /proc/net/dev | grep -c : \n(echo x > /job/x) 2>/dev/null || echo read-only\n\
         (echo x > /usr/x) 2>/dev/null || echo read-only\necho x > /tmp/x && echo temporary\n"
    );
    let (output, _) = market.renter().open(&script).await.unwrap().rest().await;
    // Of the network, the loopback device alone.
    assert_eq!(String::from_utf8(output).unwrap(), "0\n1\nread-only\nread-only\ntemporary\n");
}

async fn limit(choice: Choice, limits: Limits, script: &str) -> String {
    let market = Market::start(choice, Setting { limits, ..Setting::default() }).await;
    let (_, end) = market.renter().open(script).await.unwrap().rest().await;
    end.unwrap().limit
}

fn limits() -> Limits {
    Setting::default().limits
}

#[tokio::test(flavor = "multi_thread")]
async fn every_limit_ends_a_job_by_its_name() {
    for choice in choices().await {
        let mark = mark();
        let flood = Limits { output_bytes: 1 << 20, ..limits() };
        assert_eq!(limit(choice, flood, &format!("#!/bin/sh\nyes {mark}\n")).await, "output");
        let cpu = Limits { cpu: SECOND, ..limits() };
        assert_eq!(limit(choice, cpu.clone(), "#!/bin/sh\nwhile :; do :; done\n").await, "cpu time");
        // The kernel ends each of them alone, and the job would then end well.
        let many = "#!/bin/sh\nfor i in 1 2 3 4; do (while :; do :; done) & done\nwait\nexit 0\n";
        assert_eq!(limit(choice, cpu, many).await, "cpu time", "{choice:?}");
        let wall = Limits { wall: SECOND, ..limits() };
        assert_eq!(limit(choice, wall, &format!("#!/bin/sh\nsleep {mark}\n")).await, "wall time");
        let file = Limits { file_bytes: 1 << 20, ..limits() };
        let writes = "#!/bin/sh\nexec dd if=/dev/zero of=/tmp/gpux-$$ bs=4096 count=1000\n";
        let written = limit(choice, file, writes).await;
        // In memory of that size it is the disk that is full before the file is too large.
        assert!(written == "output" || choice == Choice::Bubblewrap, "{choice:?} {written}");
        let tasks = Limits { tasks: 8, ..limits() };
        let bomb = format!("#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8 9; do sleep {mark} & done\nwait\n");
        let bombed = limit(choice, tasks, &bomb).await;
        // The kernel itself refuses the ninth where it counts the sandbox's own processes.
        assert!(bombed == "processes" || choice == Choice::Bubblewrap, "{choice:?} {bombed}");
        assert!(gone(&mark, SECOND).await, "{choice:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_limited_in_one_process_and_over_all() {
    let limits = Limits { memory_bytes: 256 << 20, ..limits() };
    for choice in choices().await {
        let market = Market::start(choice, Setting { limits: limits.clone(), ..Setting::default() }).await;
        let one = "#!/bin/sh\ndd if=/dev/zero of=/dev/null bs=1G count=1 || echo refused\n";
        let (output, _) = market.renter().open(one).await.unwrap().rest().await;
        assert_eq!(output, b"refused\n", "{choice:?}");
        let mark = mark();
        let many = format!(
            "#!/bin/sh\nfor i in 1 2 3 4; do (head -c 100000000 /dev/zero; sleep {mark}) | tail -c 100000000 & done\nwait\n"
        );
        assert_eq!(limit(choice, limits.clone(), &many).await, "memory", "{choice:?}");
        assert!(gone(&mark, SECOND).await, "{choice:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_leaves_behind_is_killed() {
    for choice in choices().await {
        let market = Market::start(choice, Setting::default()).await;
        let mark = mark();
        // A child, a daemon in a session of its own, and one whose parent is gone already; then the job ends well.
        let script = format!(
            "#!/bin/sh\nsleep {mark} &\nsetsid sleep {mark} &\n(setsid sleep {mark} &)\necho up\nread go\nexit 0\n"
        );
        let mut session = market.renter().open(&script).await.unwrap();
        assert_eq!(session.line().await, "up");
        // The daemon may be gone already: the census kills it as soon as it sees it.
        running(&mark, 2).await;
        session.say(b"go\n").await;
        let (_, end) = session.rest().await;
        assert_eq!(end.unwrap().exit_code, Some(0));
        assert!(gone(&mark, SECOND).await, "{choice:?}");
    }
}

/// Starts a job with children of every kind and returns when they run.
async fn sleeping(market: &Market, mark: &str) -> Session {
    let script = format!("#!/bin/sh\nsleep {mark} &\nsetsid sleep {mark} &\necho up\nsleep {mark}\n");
    let mut session = market.renter().open(&script).await.unwrap();
    assert_eq!(session.line().await, "up");
    running(mark, 3).await;
    session
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renter_who_vanishes_leaves_no_job() {
    for choice in choices().await {
        let market = Market::start(choice, Setting::default()).await;
        let mark = mark();
        drop(sleeping(&market, &mark).await);
        assert!(gone(&mark, SECOND).await, "{choice:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_leaves_no_job() {
    for choice in choices().await {
        let market = Market::start(choice, Setting::default()).await;
        let mark = mark();
        let mut session = sleeping(&market, &mark).await;
        market.stop.cancel();
        assert_eq!(reason(&session.rest().await.1.unwrap_err()), "STOPPING");
        assert!(gone(&mark, SECOND).await, "{choice:?}");
        drop(session);
        tokio::time::timeout(5 * SECOND, market.served).await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rental_that_ends_takes_its_job_along() {
    let market = Market::start(Choice::Development, Setting::default()).await;
    let ends: [fn(&mut gpux_node::chain::Rental); 2] = [|r| r.stop = 2, |r| r.now = r.paid_until];
    for end in ends {
        let mark = mark();
        let renter = market.renter();
        let mut session = renter.open(&format!("#!/bin/sh\necho up\nsleep {mark}\n")).await.unwrap();
        assert_eq!(session.line().await, "up");
        end(market.table.0.lock().unwrap().get_mut(&renter.rental).unwrap());
        let closed = session.rest().await.1.unwrap();
        assert_eq!((closed.limit.as_str(), closed.exit_code), ("rental", None));
        assert!(gone(&mark, SECOND).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_frame_ends_the_session() {
    let market = Market::start(Choice::Development, Setting::default()).await;
    let mark = mark();
    let mut session = sleeping(&market, &mark).await;
    session.send(Frame { data: vec![1], seen: 0, signature: vec![0; 64] }).await;
    assert_eq!(reason(&session.rest().await.1.unwrap_err()), "FRAME_REFUSED");
    assert!(gone(&mark, SECOND).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_card_is_a_socket_on_descriptor_three() {
    for choice in choices().await {
        let model = gpux_kernels::catalogue::by_name("GeForce RTX 3060 12 GB").unwrap().clone();
        let simulator = Simulator::new(model, gpux_kernels::device::paced::Behaviour::Honest, Cards::Each);
        let setting = Setting { device: Device::Simulated(simulator), ..Setting::default() };
        let market = Market::start(choice, setting).await;
        // Asks the card what it is: a frame of one byte, little-endian length first.
        let script = "#!/bin/sh\n[ -S /proc/self/fd/3 ] && echo socket\nprintf '\\1\\0\\0\\0\\1' >&3\nhead -c 35 <&3\n";
        let (output, _) = market.renter().open(script).await.unwrap().rest().await;
        let text = String::from_utf8_lossy(&output).into_owned();
        assert!(text.starts_with("socket\n") && text.ends_with("GeForce RTX 3060 12 GB"), "{choice:?} {text:?}");
        let plain = Market::start(choice, Setting::default()).await;
        let (output, _) =
            plain.renter().open("#!/bin/sh\n[ -e /proc/self/fd/3 ] || echo none\n").await.unwrap().rest().await;
        assert_eq!(output, b"none\n", "{choice:?}");
    }
}

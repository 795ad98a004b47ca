use super::*;
use crate::session::fixture::{cpu, paced};
use gpux_kernels::{
    Shape,
    plan::{Market, plan},
    probe::ProbeId,
};

fn short() -> Plan {
    let mut plan = plan(ProbeId::Cpu, Market::Development).unwrap();
    plan.parameters.shape = Shape::Chains { lanes: 8, steps: 20_000 };
    Plan { windows: 2, window: Duration::from_millis(60), pings: 3, openings: 12, ..plan }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_convinces_itself_by_a_plan_of_any_length() {
    let held = hold(&short(), cpu, &|_| {}).await.unwrap();
    let found = held.examination;
    assert_eq!((held.failure, found.first_unsound(), found.failure.clone()), (None, None, None));
    assert_eq!((found.windows.len(), found.drawn, found.wrong.len()), (2, 12, 0));
    assert!(found.work.iter().all(|work| *work > 0) && !found.convicts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_card_is_measured_as_itself() {
    let plan = plan(ProbeId::Imma, Market::Development).unwrap();
    let held = hold(&plan, paced, &|_| {}).await.unwrap();
    assert_eq!((held.failure, held.examination.first_unsound()), (None, None));
    assert_eq!(held.examination.device, Some(gpux_proto::evidence::DeviceKind::Simulated));
}

/// A device that misbehaves.
struct Odd {
    device: Box<dyn Device>,
    /// Computes other rounds than it is asked for.
    wrong: bool,
    /// Told when it is gone, which takes a while.
    gone: std::sync::mpsc::Sender<()>,
}

impl Odd {
    fn key(&self, key: &Key) -> Key {
        if self.wrong { key.next(&[1; 32]) } else { *key }
    }
}

impl Drop for Odd {
    fn drop(&mut self) {
        thread::sleep(Duration::from_millis(300));
        // Some tests do not listen.
        let _ = self.gone.send(());
    }
}

impl Device for Odd {
    fn info(&self) -> DeviceInfo {
        self.device.info()
    }

    fn prepare(&mut self, parameters: &Parameters, fill: &Key) -> Result<Prepared, device::Error> {
        self.device.prepare(parameters, fill)
    }

    fn round(&mut self, key: &Key) -> Result<Digest, device::Error> {
        self.device.round(&self.key(key))
    }

    fn open(&mut self, key: &Key, units: &[u32]) -> Result<Vec<OpenedUnit>, device::Error> {
        self.device.open(&self.key(key), units)
    }
}

/// Holds a session with one odd device; says whether it was gone at the end.
async fn odd(wrong: bool) -> (Held, bool) {
    let (sender, gone) = std::sync::mpsc::channel();
    let choose = move |parameters: &Parameters| -> Devices {
        let odd = |device| Box::new(Odd { device, wrong, gone: sender.clone() }) as Box<dyn Device>;
        Ok(cpu(parameters)?.into_iter().map(odd).collect())
    };
    let held = hold(&short(), choose, &|_| {}).await.unwrap();
    (held, gone.try_recv().is_ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_results_are_found_and_convict_nobody() {
    let (held, _) = odd(true).await;
    assert_eq!(held.examination.wrong.len(), 12);
    assert!(held.examination.failure.is_some() && !held.examination.convicts);
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_gone_when_a_session_is_over() {
    let (held, gone) = odd(false).await;
    assert!(held.failure.is_none() && gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_device_is_told_in_words() {
    let none = |_: &Parameters| -> Devices { Err(device::Error::from(device::cuda::Error::NoCard).into()) };
    let held = hold(&short(), none, &|_| {}).await.unwrap();
    let failure = held.failure.unwrap();
    assert_eq!(failure.step, Step::Prepare);
    assert!(
        failure.detail.starts_with("the job gave up: the NVIDIA driver of this machine shows no GPU"),
        "{failure:?}"
    );
}

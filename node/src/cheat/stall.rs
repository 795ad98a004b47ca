//! A host that notices that it is too slow and hangs, hoping that a missing answer costs less than a bad one. Nothing of
//! the second window's answers is let through.
use gpux_proto::{
    evidence::{JobInput, job_input},
    stream::Reader,
};

/// The window in which it hangs, from 0.
const WINDOW: u32 = 1;

#[derive(Debug, Default)]
pub(crate) struct Stall {
    reader: Reader,
    hangs: bool,
}

impl Stall {
    pub(super) fn input(&mut self, data: &[u8]) {
        self.reader.push(data);
        while let Ok(Some(input)) = self.reader.take::<JobInput>() {
            if let Some(job_input::Message::Challenge(challenge)) = input.message {
                self.hangs |= challenge.window >= WINDOW;
            }
        }
    }

    pub(super) fn hangs(&self) -> bool {
        self.hangs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpux_proto::{evidence::Challenge, stream::encode};

    #[test]
    fn the_first_window_is_answered_and_the_second_is_not() {
        let mut stall = Stall::default();
        for (window, hangs) in [(0, false), (1, true)] {
            let challenge = Challenge { window, seed: vec![0; 32] };
            let input = JobInput { message: Some(job_input::Message::Challenge(challenge)) };
            stall.input(&encode(&input));
            assert_eq!(stall.hangs(), hangs);
        }
    }
}

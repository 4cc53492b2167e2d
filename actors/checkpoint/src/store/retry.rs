//! Tries again what fails in passing, a bounded number of times.

use std::time::Duration;

use weir_persistence_api::Result;

/// How often, and how long after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// With the first one.
    pub attempts: u32,
    /// Doubled after each further failure.
    pub wait_first: Duration,
    pub wait_max: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 6,
            wait_first: Duration::from_millis(100),
            wait_max: Duration::from_secs(3),
        }
    }
}

impl Retry {
    /// The call's answer, or its last failure. What fails for good is not tried again.
    pub async fn run<T, F>(&self, mut call: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut wait = self.wait_first;
        for attempt in 1.. {
            match call().await {
                Err(error) if error.is_transient() && attempt < self.attempts => {
                    tracing::debug!(attempt, %error, "the store is asked again");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(self.wait_max);
                }
                answer => return answer,
            }
        }
        unreachable!("the last attempt returns")
    }
}

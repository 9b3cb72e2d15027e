//! Redis scripts: one call, or many in one round trip.

use redis::aio::ConnectionManager;
use redis::{ErrorKind, FromRedisValue, ParsingError, Pipeline, RedisResult, ScriptInvocation, ServerErrorKind, Value};

use crate::Result;

/// A script that Redis knows by its hash.
pub(crate) struct Script {
    script: redis::Script,
    code: String,
}

impl Script {
    /// From its parts, in order: what scripts share comes before what is one's own.
    pub fn new(parts: &[&str]) -> Self {
        let code = parts.concat();
        Self { script: redis::Script::new(&code), code }
    }

    /// One call. The script is sent when Redis does not know it (any more).
    pub fn call(&self, key: &str) -> ScriptInvocation<'_> {
        self.script.key(key)
    }

    /// The same call for several keys in one round trip, and the answers in their order. Redis is told the script only when it turns
    /// out not to know it, and then just those calls are made again that it did not know it for.
    pub async fn for_each<T: FromRedisValue>(
        &self,
        keys: &[String],
        argument: &str,
        redis: &ConnectionManager,
    ) -> Result<Vec<T>> {
        let mut answers: Vec<Option<T>> = keys.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..keys.len()).collect();
        let mut told = false;
        while !open.is_empty() {
            let mut pipe = Pipeline::with_capacity(open.len() + 1);
            pipe.ignore_errors();
            if told {
                pipe.cmd("SCRIPT").arg("LOAD").arg(&self.code).ignore();
            }
            for index in &open {
                pipe.cmd("EVALSHA").arg(self.script.get_hash()).arg(1).arg(&keys[*index]).arg(argument);
            }
            let results: Vec<RedisResult<T>> = pipe.query_async(&mut redis.clone()).await?;
            let mut unknown = Vec::new();
            for (index, result) in open.into_iter().zip(results) {
                match result {
                    Ok(answer) => answers[index] = Some(answer),
                    Err(error) if !told && error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                        unknown.push(index);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            open = unknown;
            told = true;
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// Many calls in one round trip.
    pub fn batch(&self, calls: usize) -> Batch<'_> {
        let mut pipe = Pipeline::with_capacity(calls + 1);
        // Among many calls it would be hard to tell which of them Redis did not know the script for, and which not; so it is
        // told the script first. What it knows already costs it a hash.
        pipe.cmd("SCRIPT").arg("LOAD").arg(&self.code).ignore();
        Batch { script: self, pipe }
    }
}

/// Calls of one script, sent together and answered in order.
pub(crate) struct Batch<'a> {
    script: &'a Script,
    pipe: Pipeline,
}

impl Batch<'_> {
    /// The next call; its arguments follow.
    pub fn call(&mut self, key: &str) -> &mut Pipeline {
        self.pipe.cmd("EVALSHA").arg(self.script.script.get_hash()).arg(1).arg(key)
    }

    /// Another command after the calls.
    pub fn then(&mut self, command: &str) -> &mut Pipeline {
        self.pipe.cmd(command)
    }

    /// Sends all of it. An error of one call is an error of all, though others may have done their work.
    pub async fn run<T: FromRedisValue>(self, redis: &ConnectionManager) -> Result<Vec<T>> {
        Ok(self.pipe.query_async(&mut redis.clone()).await?)
    }
}

/// What a script answers that has several ways to end: a word, and what belongs to it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub outcome: String,
    pub rest: Vec<Value>,
}

impl FromRedisValue for Answer {
    fn from_redis_value(value: Value) -> std::result::Result<Self, ParsingError> {
        let mut values = Vec::<Value>::from_redis_value(value)?.into_iter();
        let outcome = String::from_redis_value(values.next().unwrap_or(Value::Nil))?;
        Ok(Self { outcome, rest: values.collect() })
    }
}

impl Answer {
    /// The next thing that belongs to the word.
    pub fn take<T: FromRedisValue>(&mut self) -> Result<T> {
        let value = if self.rest.is_empty() { Value::Nil } else { self.rest.remove(0) };
        Ok(T::from_redis_value(value).map_err(redis::RedisError::from)?)
    }

    /// Everything that belongs to the word, all of one kind.
    pub fn all<T: FromRedisValue>(self) -> Result<Vec<T>> {
        let all: std::result::Result<Vec<T>, _> = self.rest.into_iter().map(T::from_redis_value).collect();
        Ok(all.map_err(redis::RedisError::from)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn redis() -> ConnectionManager {
        let client = redis::Client::open(muster_testkit::services().redis_url).unwrap();
        ConnectionManager::new(client).await.unwrap()
    }

    /// One that no Redis has seen.
    fn unknown() -> Script {
        Script::new(&[&format!("local a = '{:x}'\n", rand::random::<u128>()), "return {ARGV[1], KEYS[1]}"])
    }

    #[tokio::test]
    async fn scripts_that_redis_does_not_know_are_told() {
        let mut redis = redis().await;
        let (one, many, each) = (unknown(), unknown(), unknown());
        let answer: (String, String) = one.call("key").arg("a").invoke_async(&mut redis).await.unwrap();
        assert_eq!(answer, ("a".to_owned(), "key".to_owned()));

        let keys: Vec<String> = (0..3).map(|n| format!("key {n}")).collect();
        for _ in 0..2 {
            let answers: Vec<(String, String)> = each.for_each(&keys, "a", &redis).await.unwrap();
            assert_eq!(answers.len(), 3);
            assert!(answers.into_iter().zip(&keys).all(|(answer, key)| answer == ("a".to_owned(), key.clone())));
        }

        for _ in 0..2 {
            let mut batch = many.batch(300);
            for n in 0..300 {
                batch.call("key").arg(n);
            }
            batch.then("PING");
            let answers: Vec<Value> = batch.run(&redis).await.unwrap();
            assert_eq!(answers.len(), 301);
            let mut last = Answer::from_redis_value(answers[299].clone()).unwrap();
            assert_eq!(last.outcome, "299");
            assert_eq!(last.take::<String>().unwrap(), "key");
        }
    }
}

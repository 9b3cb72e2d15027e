use super::*;

fn server() -> RegisterServer {
    RegisterServer {
        address: "203.0.113.7:7777".to_owned(),
        region: Some("eu-west".to_owned()),
        build: Some("1.4.2+linux".to_owned()),
        labels: BTreeMap::from([("class".to_owned(), "large".to_owned())]),
        queues: vec!["trios".to_owned()],
        capacity: 10,
    }
}

#[test]
fn a_registration_names_each_field_that_is_wrong() {
    assert_eq!(server().validate(), Ok(()));
    let long = "x".repeat(257);
    let many = (0..17).map(|n| (n.to_string(), "v".to_owned())).collect();
    for (wrong, path) in [
        (RegisterServer { address: String::new(), ..server() }, "address"),
        (RegisterServer { address: long, ..server() }, "address"),
        (RegisterServer { address: "a\nb".to_owned(), ..server() }, "address"),
        (RegisterServer { region: Some("EU West".to_owned()), ..server() }, "region"),
        (RegisterServer { build: Some(String::new()), ..server() }, "build"),
        (RegisterServer { labels: many, ..server() }, "labels"),
        (RegisterServer { labels: BTreeMap::from([("a".to_owned(), "x".repeat(65))]), ..server() }, "labels"),
        (RegisterServer { queues: vec!["no such name!".to_owned()], ..server() }, "queues"),
        (RegisterServer { queues: vec!["q".to_owned(); 65], ..server() }, "queues"),
        (RegisterServer { capacity: 0, ..server() }, "capacity"),
        (RegisterServer { capacity: 1001, ..server() }, "capacity"),
    ] {
        let faults = wrong.validate().unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>(), [path]);
    }
}

//! What a pass of the server's loop asks of the store: next to nothing where there is nothing to do.

use cutover_server::service::{Caller, NewToken, Passed};

use crate::{
    calendar::{DAY, MINUTE, START},
    puppet::{Puppet, Said},
    server::{Server, TRUSTED},
};

fn text() -> String {
    let policy = format!("[policy]\ngrace = \"0s\"\nsoak = \"1h\"\n{TRUSTED}");
    crate::trace::preset().replace("[wave]\nname = \"all\"\n", &format!("[wave]\nname = \"all\"\n{policy}"))
}

/// Passes until one finds nothing, and what they did together.
async fn passed(server: &Server) -> Vec<Passed> {
    let mut all = Vec::new();
    for _ in 0..50 {
        let service = server.service().unwrap();
        service.flush_seen().await.unwrap();
        let passed = service.pass().await.unwrap();
        if passed == Passed::default() {
            return all;
        }
        all.push(passed);
    }
    panic!("passes find something to do again and again: {all:?}");
}

#[tokio::test]
async fn a_pass_that_finds_nothing_is_one_reading_and_time_alone_makes_it_do_something() {
    let mut server = Server::start(3, &text(), START).await.unwrap();
    let service = server.service().unwrap();
    let ask = NewToken {
        uses: 100,
        hours: 24 * 60,
        pool: None,
    };
    let token = service.create_token(Caller::server(), ask).await.unwrap().token;
    let mut puppet = Puppet::enrol(&service, &token, 0).await;
    puppet.check_in(&service, START, &Said::looked(START)).await;
    service
        .open_wave(Caller::server(), "all".to_owned(), false)
        .await
        .unwrap();
    passed(&server).await;
    let asked = |server: &Server| server.sabotage().unwrap().take_asked();
    asked(&server);
    for _ in 0..3 {
        assert_eq!(server.service().unwrap().pass().await.unwrap(), Passed::default());
        let asked = asked(&server);
        assert_eq!((asked.reads, asked.writes), (1, 0), "{asked:?}");
    }
    // What a restarted server remembers is nothing, and it finds as much.
    server.stop();
    server.open().unwrap();
    asked(&server);
    assert_eq!(server.service().unwrap().pass().await.unwrap(), Passed::default());
    let asked = asked(&server);
    assert_eq!((asked.reads, asked.writes), (1, 0), "{asked:?}");
    // Time alone makes something due.
    server.move_to(START + DAY + MINUTE);
    let later = passed(&server).await;
    assert!(later.iter().any(|passed| passed.woken > 0), "{later:?}");
}

//! Attempts to talk to somebody outside.

use crate::attempt::attempts;
use jailkeeper_testkit::{Place, needs};

attempts! {
    // Helpers of the host behind a path.
    unix: "connect {out}/stream" => connect("{out}/stream").by("connect");
    unix_relative: "connect ../outside/stream" => connect("{out}/stream");
    unix_datagram: "connect-datagram {out}/datagram" => connect("{out}/datagram")
        .at_flat(refused(libc::EPROTONOSUPPORT));
    unix_sendto: "sendto {out}/datagram" => connect("{out}/datagram").by("sendto")
        .at_flat(refused(libc::EPROTONOSUPPORT));
    unix_sendmsg: "sendmsg {out}/datagram" => connect("{out}/datagram").by("sendmsg")
        .at_flat(refused(libc::EPROTONOSUPPORT));
    unix_sendmmsg: "sendmmsg {out}/datagram" => connect("{out}/datagram").by("sendmmsg")
        .at_flat(refused(libc::EPROTONOSUPPORT));
    unix_bind: "bind {out}/new" => bind("{out}/new").by("bind");
    unix_bind_beside: "bind ../new" => bind("{root}/new");
    unix_link: "symlink {out}/stream l , connect ./l" => connect("{work}/l").resolved("{out}/stream");
    unix_read_only: "connect {out}/stream" => connect("{out}/stream").with("--read {out}");

    // The net. A containment has none, but without a jail these get as far as to its routes.
    tcp: "connect 127.0.0.1:9" => address(Mode::Connect, "127.0.0.1:9").fails_alone(libc::ENETUNREACH);
    tcp_six: "connect [::1]:9" => address(Mode::Connect, "[::1]:9").fails_alone(libc::EADDRNOTAVAIL);
    tcp_bind: "bind 127.0.0.1:9999" => address(Mode::Bind, "127.0.0.1:9999");
    udp_connect: "connect-datagram 127.0.0.1:53" => address(Mode::Connect, "127.0.0.1:53")
        .fails_alone(libc::ENETUNREACH);
    udp_bind: "bind-datagram 0.0.0.0:9999" => address(Mode::Bind, "0.0.0.0:9999");
    udp_sendto: "sendto 127.0.0.1:53" => address(Mode::Connect, "127.0.0.1:53")
        .fails_alone(libc::ENETUNREACH);
    udp_sendmsg: "sendmsg 127.0.0.1:53" => address(Mode::Connect, "127.0.0.1:53")
        .fails_alone(libc::ENETUNREACH);
    udp_sendmmsg: "sendmmsg 127.0.0.1:53" => address(Mode::Connect, "127.0.0.1:53")
        .fails_alone(libc::ENETUNREACH);

    // Families that no jail has: netlink, packet, vsock, kernel crypto.
    netlink: "socket 16 3" => refused(libc::EAFNOSUPPORT);
    packet: "socket 17 3" => refused(libc::EAFNOSUPPORT).needs_root();
    vsock: "socket 40 1" => refused(libc::EAFNOSUPPORT).without_control("not every kernel has it");
    crypto: "socket 38 5" => refused(libc::EAFNOSUPPORT).without_control("not every kernel has it");
    raw: "socket 2 3" => refused(libc::EPERM).without_control("names no protocol");
}

/// Abstract names have no file system around them: the namespaces and Landlock keep them apart.
#[test]
fn abstract_socket_of_the_host() {
    needs![root, fuse];
    for place in Place::every() {
        let script = |run: &str| {
            format!(
                "./escape listen @jailkeeper-test 3000 & sleep 0.2
                 {run} ./escape connect @jailkeeper-test; status=$?; kill $!; exit $status"
            )
        };
        let alone = place.script(&script(""));
        assert_eq!(alone.survived(), Some(0), "the control fails: {alone}");
        let ran = place.script(&script("$JAILKEEPER run --"));
        assert_eq!(ran.survived(), Some(-i64::from(libc::EPERM)), "{ran}");
    }
}

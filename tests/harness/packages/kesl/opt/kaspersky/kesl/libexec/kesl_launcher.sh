#!/bin/sh
# Ours: a stand-in written for Cutover's tests from publicly documented effects (docs/testing.md). Not the vendor's.
# The name of this file is ours too. What it does is known of the product: it writes its own unit at each start, so that
# a unit that was deleted or masked comes back.
set -e
sed '1i # written by the launcher at its start' /lib/systemd/system/kesl.service >/etc/systemd/system/kesl.service
echo $$ >/run/wdserver.pid
echo "started" >>/var/log/kaspersky/kesl/kesl.log
exec /opt/kaspersky/kesl/libexec/kesl infinity

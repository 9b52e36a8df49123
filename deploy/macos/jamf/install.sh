#!/bin/sh
# Policy script for Jamf Pro: has the agent that the policy's package installed enrol when it first reaches the server.
# Parameters of the policy: 4 server (HOST:PORT), 5 fingerprint of its authority, 6 token.
set -eu

agent=/usr/local/bin/cutover-agent
server=${4:?"parameter 4: the server, HOST:PORT"}
fingerprint=${5:?"parameter 5: the fingerprint of the server's authority"}
token=${6:?"parameter 6: the token"}

[ -x "$agent" ] || {
    echo "$agent is not here; the policy has to install the package first" >&2
    exit 1
}
# By the environment: arguments of a process are everybody's to read. On an enrolled machine it changes nothing.
CUTOVER_AGENT_TOKEN=$token "$agent" enroll --later --server "$server" --ca-fingerprint "$fingerprint"
launchctl kickstart -k system/org.cutover.agent

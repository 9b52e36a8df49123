rem What gpo-startup.cmd installs, and for which server. Beside it on the share.
set CUTOVER_VERSION=0.1.0
set CUTOVER_SERVER=cutover.example.org:7443
set CUTOVER_CA_FINGERPRINT=0000000000000000000000000000000000000000000000000000000000000000

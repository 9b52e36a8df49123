#!/usr/bin/perl
# Ours: a stand-in written for Cutover's tests from publicly documented effects (docs/testing.md). Not the vendor's.
print "set-up is done by the package's postinst\n";

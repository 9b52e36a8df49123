#!/usr/bin/perl
# Ours: a stand-in written for Cutover's tests from publicly documented effects (docs/testing.md). Not the vendor's.
# Writes what the running agent keeps; dpkg does not know these files, so it never removes them.
use strict;
use warnings;

my $state = '/var/opt/kaspersky/klnagent';
for my $directory ('/var/opt/kaspersky', $state, "$state/1103") {
    -d $directory or mkdir $directory, 0755 or die "klnagent64: $directory: $!\n";
}
open my $file, '>', "$state/1103/state" or die "klnagent64: $state/1103/state: $!\n";
print $file "state of the management agent\n";
close $file or die "klnagent64: $state/1103/state: $!\n";

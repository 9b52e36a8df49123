-- What wixl cannot say, one statement a line; @VERSION@ is the package's.
--
-- The command line of SetUp holds the token: hidden from logs (8192), beside what wixl made it (3090).
UPDATE `CustomAction` SET `Type` = 11282 WHERE `Action` = 'SetUp'
-- Only in a rollback (256), and whatever comes of it (64).
UPDATE `CustomAction` SET `Type` = 3410 WHERE `Action` = 'Undo'
-- A user who started the installation gives these to the part that runs as SYSTEM.
UPDATE `Property` SET `Value` = 'SERVER;CA_FINGERPRINT;TOKEN;TOKEN_FILE;ENROLMENT;KEEP;WIX_UPGRADE_DETECTED;WIX_DOWNGRADE_DETECTED' WHERE `Property` = 'SecureCustomProperties'
-- Another package of the same version takes the place of the one that is there, too (512).
DELETE FROM `Upgrade` WHERE `ActionProperty` = 'WIX_UPGRADE_DETECTED'
INSERT INTO `Upgrade` (`UpgradeCode`, `VersionMax`, `Attributes`, `ActionProperty`) VALUES ('{7A1D5F1E-4C0B-4B7E-9E60-0A4B7B0D6C11}', '@VERSION@', 513, 'WIX_UPGRADE_DETECTED')
-- The old program goes before the new one comes, in the same transaction.
UPDATE `InstallExecuteSequence` SET `Sequence` = 1501 WHERE `Action` = 'RemoveExistingProducts'

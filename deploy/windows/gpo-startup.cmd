@echo off
rem Start-up script of a group policy: installs or upgrades the Cutover agent. deploy/windows/rollout.md says how.
rem Beside this file on the share lie cutover-agent.msi, settings.cmd and token.txt.
setlocal
call "%~dp0settings.cmd" || exit /b 1
rem Nothing to do where this version, or a person's other choice, is here.
reg query HKLM\SOFTWARE\Cutover\Agent /v Version 2>nul | find "%CUTOVER_VERSION%" >nul && exit /b 0
msiexec /i "%~dp0cutover-agent.msi" /qn /norestart /l* "%SystemRoot%\Temp\cutover-agent.log" SERVER="%CUTOVER_SERVER%" CA_FINGERPRINT=%CUTOVER_CA_FINGERPRINT% TOKEN_FILE="%~dp0token.txt"
exit /b %ERRORLEVEL%

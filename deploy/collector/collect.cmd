@echo off
rem Looks at a Windows that no agent of Cutover runs on (7, 8.1, Server 2008 R2, 2012, 2012 R2), or that has no network, and
rem writes one file for `cutover-agent scan --collected`. Changes nothing but that file and a folder of its own below %TEMP%, which it
rem removes. Needs nothing but Windows itself; run it as an administrator, or parts stay unknown.
rem
rem   collect.cmd [FILE]      without FILE: COMPUTERNAME.cutover.txt beside this script
rem
rem The file lists the installed programs, services, processes and scheduled tasks of this machine, and the names of folders
rem where programs lie. No documents, no users' names. Delete it when it is imported.
setlocal DisableDelayedExpansion
set "OUT=%~1"
if not defined OUT set "OUT=%~dp0%COMPUTERNAME%.cutover.txt"
set "REG=%SystemRoot%\System32\reg.exe"
rem A prompt of 32 bits on a Windows of 64 would be shown another registry and other folders.
if exist "%SystemRoot%\Sysnative\reg.exe" (
    "%SystemRoot%\Sysnative\cmd.exe" /d /c ""%~f0" "%OUT%""
    exit /b
)
set "PF86=%ProgramFiles(x86)%"
set "WORK=%TEMP%\cutover-collect-%RANDOM%%RANDOM%"
md "%WORK%"
if not exist "%WORK%\." (
    echo collect: cannot make a folder below %TEMP% 1>&2
    exit /b 1
)
set "DONE=%WORK%\done.txt"
set "BODY=%WORK%\body.txt"

call :say cutover-collection 1
call :say #fact by cmd
call :say #fact computer %COMPUTERNAME%
call :say #fact architecture %PROCESSOR_ARCHITECTURE%
rem Only administrators may list the sessions of the server service.
set "ELEVATED=no"
"%SystemRoot%\System32\net.exe" session >nul 2>&1
if not errorlevel 1 set "ELEVATED=yes"
call :say #fact elevated %ELEVATED%
set "VERSION="
for /f "tokens=2 delims=[]" %%V in ('ver') do for %%N in (%%V) do set "VERSION=%%N"
if defined VERSION call :say #fact os %VERSION%
call :say #folder ProgramFiles %ProgramFiles%
if defined PF86 call :say86
call :say #folder ProgramData %ProgramData%
call :say #folder SystemRoot %SystemRoot%

call :export uninstall-machine "HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall"
if defined PF86 call :export uninstall-machine-32 "HKLM\Software\Wow6432Node\Microsoft\Windows\CurrentVersion\Uninstall"
for /f "tokens=2 delims=\" %%S in ('%REG% query HKU 2^>nul ^| "%SystemRoot%\System32\find.exe" "S-1-5-21"') do (
    call :user %%S
)
call :run services "" "%REG%" query HKLM\SYSTEM\CurrentControlSet\Services /s /v ImagePath
call :run services "" "%REG%" query HKLM\SYSTEM\CurrentControlSet\Services /s /v Type
call :run tasklist "" "%SystemRoot%\System32\tasklist.exe" /fo csv /nh
call :run subkeys SOFTWARE "%REG%" query HKLM\SOFTWARE
if defined PF86 call :run subkeys SOFTWARE\Wow6432Node "%REG%" query HKLM\SOFTWARE\Wow6432Node
call :run tasks "" "%REG%" query "HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree" /s

call :folder "%ProgramFiles%"
if defined PF86 call :folder "%PF86%"
call :folder "%ProgramData%"
call :names "%SystemRoot%"
call :names "%SystemRoot%\System32"
call :names "%SystemRoot%\System32\drivers"

rem What only PowerShell can tell, where there is one: states of services, paths of processes, Security Center.
set "SHELL=%SystemRoot%\System32\WindowsPowerShell\v1.0\powershell.exe"
if exist "%~dp0collect.ps1" if exist "%SHELL%" (
    "%SHELL%" -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "%~dp0collect.ps1" "%WORK%\more.txt" <nul >nul 2>&1
    if exist "%WORK%\more.txt" copy /b "%DONE%"+"%WORK%\more.txt" "%DONE%" >nul
)
call :say #done
copy /b /y "%DONE%" "%OUT%" >nul
set "CODE=%ERRORLEVEL%"
rd /s /q "%WORK%"
if not "%CODE%"=="0" (
    echo collect: cannot write "%OUT%" 1>&2
    exit /b 1
)
echo written to "%OUT%"
exit /b 0

rem A user who is logged on. Nothing of the user is kept but the uninstall entries.
:user
set "SID=%~1"
if /i "%SID:~-8%"=="_Classes" exit /b 0
call :export uninstall-user "HKU\%SID%\Software\Microsoft\Windows\CurrentVersion\Uninstall"
exit /b 0

rem On a line of its own: its value has parentheses.
:say86
call :say #folder ProgramFilesX86 %PF86%
exit /b 0

rem One line of the file, as UTF-16.
:say
setlocal
set "LINE=%*"
cmd /d /u /v:on /c "echo !LINE!" >>"%DONE%"
endlocal & exit /b 0

rem The body that a program printed, turned into UTF-16, between its marks: what, of what, its exit code.
:append
call :say #begin %~1 %~2
cmd /d /u /c type "%BODY%" >>"%DONE%" 2>nul
call :say #end %~3
exit /b 0

:export
del "%WORK%\key.reg" >nul 2>&1
"%REG%" export %2 "%WORK%\key.reg" /y >nul 2>&1
set "CODE=%ERRORLEVEL%"
call :say #begin %~1
if exist "%WORK%\key.reg" copy /b "%DONE%"+"%WORK%\key.reg" "%DONE%" >nul
call :say #end %CODE%
exit /b 0

:run
set "WHAT=%~1"
set "OF=%~2"
set "PROGRAM=%~3"
shift & shift & shift
set "ARGS="
:more
if "%~1"=="" goto :runs
set "ARGS=%ARGS% "%~1""
shift
goto :more
:runs
"%PROGRAM%"%ARGS% >"%BODY%" 2>nul <nul
call :append "%WHAT%" "%OF%" %ERRORLEVEL%
exit /b 0

:names
dir /b /a "%~1" >"%BODY%" 2>nul
call :append names "%~1" %ERRORLEVEL%
dir /b /ad "%~1" >"%BODY%" 2>nul
call :append directories "%~1" %ERRORLEVEL%
exit /b 0

rem A folder that programs lie in, and the whole of the vendor's own below it.
:folder
call :names "%~1"
for /d %%D in ("%~1\Kaspersky*") do call :tree "%%~D"
exit /b 0

:tree
dir /b /s /a "%~1" >"%BODY%" 2>nul
call :append tree "%~1" 0
dir /b /s /ad "%~1" >"%BODY%" 2>nul
call :append tree-directories "%~1" 0
exit /b 0

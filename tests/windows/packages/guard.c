/* Stands in for a replacement's service: it starts, runs until it is told to stop, and protects nothing. */
#include <windows.h>

static SERVICE_STATUS_HANDLE manager;
static HANDLE over;

static void tell(DWORD state)
{
    SERVICE_STATUS status = {0};
    status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    status.dwCurrentState = state;
    status.dwControlsAccepted = state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN : 0;
    SetServiceStatus(manager, &status);
}

static void WINAPI control(DWORD asked)
{
    if (asked == SERVICE_CONTROL_STOP || asked == SERVICE_CONTROL_SHUTDOWN)
        SetEvent(over);
}

static void WINAPI serve(DWORD count, wchar_t **arguments)
{
    (void)count;
    (void)arguments;
    over = CreateEventW(NULL, TRUE, FALSE, NULL);
    manager = RegisterServiceCtrlHandlerW(L"StandInGuard", control);
    tell(SERVICE_RUNNING);
    WaitForSingleObject(over, INFINITE);
    tell(SERVICE_STOPPED);
}

int main(void)
{
    SERVICE_TABLE_ENTRYW table[] = {{(wchar_t *)L"StandInGuard", serve}, {NULL, NULL}};
    return StartServiceCtrlDispatcherW(table) ? 0 : 1;
}

/* Holds things up, so that a test can look into the middle of them: makes the file REACHED and waits for the file GO_ON, half an hour at
   most. With a NAME it holds the mutex of that name meanwhile, as installations do to keep out of each other's way.

       wait.exe REACHED GO_ON [NAME] */
#include <windows.h>

int main(int count, char **arguments)
{
    int left;
    if (count < 3)
        return 2;
    if (count > 3)
        CreateMutexA(NULL, TRUE, arguments[3]);
    CloseHandle(CreateFileA(arguments[1], GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL));
    for (left = 18000; left > 0 && GetFileAttributesA(arguments[2]) == INVALID_FILE_ATTRIBUTES; left--)
        Sleep(100);
    return 0;
}
